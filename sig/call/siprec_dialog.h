/* SPDX-License-Identifier: Apache-2.0 */
/* The dialog of a recording session: where it is to be, and what is said in it. */
#ifndef SIG_CALL_SIPREC_DIALOG_H
#define SIG_CALL_SIPREC_DIALOG_H

#include "sig/call/siprec_body.h"
#include "sig/model/call.h"
#include "sig/model/siprec.h"

/* A new one, at the place that was found. False: no address of ours leads to the recorder, or there is no memory. */
bool siprec_open_dialog(struct call_host *h, const struct call *c, struct siprec *s) NODISCARD;
/* INVITE, or re-INVITE. False: there is no transaction for it. */
bool siprec_send(struct call_host *h, struct siprec *s, const struct siprec_talk *t) NODISCARD;
/* Lines of all that is said with SDP: who we are, and what we take. */
void siprec_write_lines(struct writer *w, const struct call_host *h, const struct siprec *s);
/* OPTIONS: whether it is there still. */
void siprec_keep_alive(struct call_host *h, struct siprec *s);
/* Where the recorder takes the streams, by the SDP of its message. 0, or -errno and why. */
int siprec_take_sdp(struct call_host *h, struct siprec *s, const struct sip_message *m,
		    const char **reason) NODISCARD;
/* It asks who we are: true when the INVITE is to be said again, and says it then. */
bool siprec_challenged(struct call_host *h, struct siprec *s,
		       const struct sip_message *m) NODISCARD;
/* Nobody waits for its answer: the session is over for us. */
void siprec_bye(struct call_host *h, struct dialog *d);
/* CANCEL or BYE, by how far it is. */
void siprec_hang_up(struct call_host *h, struct siprec *s);

#endif
