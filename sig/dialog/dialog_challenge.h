/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to a party that asks (RFC 3261 22). What it asked for is kept with the dialog, so that each further request answers it at
 * once, with the next count. Who we are is asked of the host each time: no secret is in a dialog or its record.
 */
#ifndef SIG_DIALOG_DIALOG_CHALLENGE_H
#define SIG_DIALOG_DIALOG_CHALLENGE_H

#include "base/text.h"
#include "sig/host/sig_metric.h"
#include "sig/sip/digest_client.h"

struct call_host;
struct dialog;

/* After a restart requests that no save waited for may have used these counts. */
enum { RESUME_NONCE_GAP = 64 };

struct dialog_challenge {
	struct text nonce, opaque; /* no nonce: it did not ask */
	enum digest_algorithm algorithm;
	enum digest_qop qop;
	bool session;
	uint32_t count; /* answered so often */
	uint64_t cnonce;
};

struct dialog_challenges {
	struct dialog_challenge of[2]; /* by 401, and by 407: of a proxy on the way */
	struct text invite;            /* what the last INVITE said, which its ACK repeats (22.1) */
};
void dialog_challenges_free(struct dialog_challenges **of);

static inline bool challenge_is(const struct sip_message *m)
{
	return m->status == 401 || m->status == 407;
}
/* Of one request: how often it was repeated for a challenge. Zero at first. */
typedef uint8_t challenge_tries;

/* The response is 401 or 407 to a request of ours, which said `said` of who we are, perhaps among other lines. CHALLENGE_ANSWERED: the
 * request is to be sent again, and says it then; else why not. */
enum sig_challenge dialog_challenged(struct dialog *d, struct call_host *h,
				     const struct sip_message *m, struct bytes said,
				     challenge_tries *tries);
/* Adds who we are to a whole request in *w, where its party has asked. body: octets behind its blank line. */
void dialog_prove(struct dialog *d, struct call_host *h, struct writer *w, enum sip_method method,
		  size_t body);
/* Lines for the ACK to the 2xx of the last INVITE. */
struct bytes dialog_proof(const struct dialog *d);
/* Another process goes on. */
void dialog_challenges_resume(struct dialog *d);

#endif
