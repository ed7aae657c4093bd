/* SPDX-License-Identifier: Apache-2.0 */
/* The dialog of a recording session: its target, and its requests. */
#ifndef SIG_PBX_RECORDING_SIPREC_DIALOG_H
#define SIG_PBX_RECORDING_SIPREC_DIALOG_H

#include "sig/host/effect.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"
#include "sig/pbx/recording/siprec_body.h"

/* A new dialog at the place found. Returns false if no address of ours leads to the recorder, or
 * without memory. */
bool siprec_open_dialog(struct call_host *h, const struct call *c, struct siprec *s) NODISCARD;
/* INVITE, or re-INVITE. False: there is no transaction for it. */
bool siprec_send(struct call_host *h, struct siprec *s, const struct siprec_talk *t) NODISCARD;
/* Header lines of requests with SDP: our identity, and what we support. */
void siprec_write_lines(struct writer *w, const struct call_host *h, const struct siprec *s);
/* OPTIONS: whether it is there still. */
void siprec_keep_alive(struct call_host *h, struct siprec *s);
/* Where the recorder takes the streams, by the SDP of its message. 0, or -errno and why. */
int siprec_read_sdp(struct call_host *h, struct siprec *s, const struct sip_message *m,
		    const char **reason) NODISCARD;
/* Answers its challenge: true if the INVITE is to be sent again, with credentials. */
bool siprec_challenged(struct call_host *h, struct siprec *s,
		       const struct sip_message *m) NODISCARD;
/* Its response is not awaited: the session is over for us. */
void siprec_bye(struct call_host *h, struct dialog *d);
/* CANCEL or BYE, depending on its state. */
void siprec_hang_up(struct call_host *h, struct siprec *s);

/* Recorders are at addresses, or at names that are looked up (RFC 3263). A round tries each place
 * at most once, in the order of the settings and of the records of a name; recently failed ones
 * come last. */

enum siprec_found {
	SIPREC_FOUND,
	SIPREC_RESOLVES, /* a name is looked up, until retry_ns at most */
	SIPREC_NOWHERE,  /* no name leads anywhere */
};

/* The place that is asked next: s->place. */
enum siprec_found siprec_find(struct call_host *h, const struct call *c, struct siprec *s);
/* What a name leads to. False: the session waits for no such thing. */
bool siprec_on_found(struct call_host *h, struct siprec *s, const struct lookup_reply *new_state);
/* Cancels the look-up. */
void siprec_find_stop(struct call_host *h, const struct call *c, struct siprec *s);
/* The place did not accept: the next is tried. Returns true if that was not asked yet in this
 * round. */
bool siprec_next_place(const struct call_host *h, struct siprec *s) NODISCARD;
/* Another one may take what this one does not. */
bool siprec_has_others(const struct siprec *s);
/* What was found may not hold any more: the next one is looked up anew. */
void siprec_find_anew(const struct call_host *h, struct siprec *s);

#endif
