/* SPDX-License-Identifier: Apache-2.0 */
/* REFER (RFC 3515), and the NOTIFYs that say what became of it. */
#ifndef SIG_PBX_REFER_H
#define SIG_PBX_REFER_H

#include "sig/model/event.h"

struct replaces;

/* The dialog in Refer-To does not exist. Not 481: within a dialog that would end it (RFC 3261
 * 12.2.1.2). */
enum { REFER_NO_OTHER = 403 };

/* A party's REFER: answered with 202 once in the record, or refused. Returns false for other
 * requests. */
bool refer_received(struct call_host *h, struct call *c, const struct call_event *ev);
/* A REFER that the previous process accepted, with its 202 lost, gets the same answer. Returns
 * false for any other. */
bool refer_again(struct call_host *h, struct call *c, const struct call_event *ev) NODISCARD;
/* The same outside of a dialog, about the dialog of the leg (RFC 4538), from its user: it creates a
 * dialog. */
void refer_outside(struct call_host *h, struct call *c, const struct call_event *ev);
/* The leg could not be joined with a party in that call yet: it rings, or an application controls
 * it. */
bool refer_is_asked_anew(const struct call *other, uint8_t at);
/* RFC 3515 2.1: exactly one Refer-To. Returns false otherwise. */
bool refer_to(const struct sip_message *m, struct bytes *value);
/* RFC 4488: returns false if its sender wants no NOTIFYs. */
bool refer_wants_notify(const struct sip_message *m);
/* A NOTIFY with the result of a REFER. *number: the REFER's id, or 0 if absent. last: no other
 * follows. */
bool refer_is_notified(const struct sip_message *m, uint32_t *number);
bool refer_is_last_notify(const struct sip_message *m);
/* Only a dialog of the same phone or user: a party cannot be taken by strangers. */
bool refer_is_own_dialog(const struct leg *l, const struct leg *other);
/* Our tag in it begins with the number of the shard that has the dialog. */
bool refer_is_of_another_shard(const struct call_host *h, const struct replaces *r);
/* It would exceed a quota of its sender. */
void refer_refuse_quota(struct call_host *h, const struct call_event *ev,
			const struct call_refusal *why);
/* In that dialog, of the REFER with that CSeq; last: no other follows. Returns its transaction,
 * which waits, or NULL if the pool is empty. */
struct txn_slot *refer_notify_make(struct call_host *h, struct dialog *d, uint32_t refer,
				   uint16_t status, bool last);
/* To the sender of the transfer's REFER, after the next save: the status of the target. 100: no
 * final response yet; 200 and above is the last one. Returns its transaction; 0 if the pool is
 * empty. */
uint64_t refer_notify(struct call_host *h, struct call *c, uint16_t status);

#endif
