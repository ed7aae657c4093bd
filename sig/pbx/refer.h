/* SPDX-License-Identifier: Apache-2.0 */
/* REFER (RFC 3515), and the NOTIFYs that say what became of it. */
#ifndef SIG_PBX_REFER_H
#define SIG_PBX_REFER_H

#include "sig/model/event.h"

struct replaces;

/* There is no such dialog as Refer-To names. Not 481: who hears that within a dialog ends that one (RFC 3261 12.2.1.2). */
enum { REFER_NO_OTHER = 403 };

/* A party's REFER: answered with 202 once it is in the record, or refused. False: another request. */
bool refer_received(struct call_host *h, struct call *c, const struct call_event *ev);
/* One that was accepted by the process before this one, whose 202 was lost: it has the same answer. False: it is another. */
bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev) NODISCARD;
/* The same outside of a dialog, about that of the leg (RFC 4538), from its user: it makes one of its own. */
void refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* Nobody speaks yet in that call to whom its leg could be joined: it rings, or an application has it. */
bool refer_is_asked_anew(const struct call *other, uint8_t at);
/* RFC 3515 2.1: exactly one Refer-To; false: there is none, or are several. */
bool refer_to(const struct sip_message *m, struct bytes *value);
/* RFC 4488: false where it wants to hear nothing more. */
bool refer_wants_notify(const struct sip_message *m);
/* A NOTIFY of what became of a REFER. *number: of which one; 0: it does not say so. last: there is no other behind it. */
bool refer_is_notified(const struct sip_message *m, uint32_t *number);
bool refer_is_last_notify(const struct sip_message *m);
/* Only a dialog of the same phone, or of the same user's: nobody takes a stranger's party. */
bool refer_is_own_dialog(const struct leg *l, const struct leg *other);
/* Our tag in it begins with the number of the shard that has the dialog. */
bool refer_is_of_another_shard(const struct call_host *h, const struct replaces *r);
/* It would begin more than whoever sent it may have. */
void refer_refuse_quota(struct call_host *h, const struct call_event *ev,
			const struct call_refusal *why);
/* In that dialog, of the REFER with that CSeq; last: there is no other behind it. Its transaction, which waits; NULL: there is none left. */
struct txn_slot *refer_notify_make(struct call_host *h, struct dialog *d, uint32_t refer,
				   uint16_t status, bool last);
/* To who sent the REFER of the transfer, after the next save: the status of whoever is rung for it. 100: nothing yet; of 200 on it is the
 * last one. Its transaction; 0: there is none left. */
uint64_t refer_notify(struct call_host *h, struct call *c, uint16_t status);

#endif
