/* SPDX-License-Identifier: Apache-2.0 */
/* Who has the target of an INVITE before there is a call. A feature claims numbers of its own, as
 * the name of a slot or a room between shards, or a dialog that the INVITE names (RFC 3891, RFC
 * 3911). What it found goes on into the call (struct call_start). A target that no feature claims
 * is a user's, or is dialled. */
#ifndef SIG_CALL_NUMBER_CLAIM_H
#define SIG_CALL_NUMBER_CLAIM_H

#include "sig/host/cdr.h"
#include "sig/host/route_uri.h"
#include "sig/model/event.h"

struct number_request {
	const struct sip_message *invite;
	uint16_t tenant;
	struct bytes user;   /* the caller */
	struct bytes behind; /* of a code: the digits after it */
};

/* Its slices are of the INVITE. */
struct number_claimed {
	char to[ROUTE_USER_MAX];        /* as others are shown it */
	struct call_set set;            /* with FEATURES and nothing else: none */
	struct call_replaces replaces;  /* all zero: none */
	char account[CALL_ACCOUNT_MAX]; /* dialled before the number; "": none */
};

enum number_verdict {
	NUMBER_FREE, /* it is not this feature's */
	NUMBER_CLAIMED,
	NUMBER_DIALLED, /* the caller means `to`, as if it were dialled */
	NUMBER_REFUSED, /* as *why says */
};

typedef enum number_verdict number_claim_fn(struct call_host *h, const struct number_request *ask,
					    struct number_claimed *out, struct call_refusal *why);

struct number_claim {
	int rank; /* lower ones are asked first; of the same rank in the order of the features */
	number_claim_fn *claim;
};

/* A feature code that needs more than the right to it. */
struct dialled_code {
	enum feature_action action;
	number_claim_fn *dialled; /* the invite of its question is NULL; FREE: the call may begin */
};

#endif
