/* SPDX-License-Identifier: Apache-2.0 */
/* Why the node refuses requests and commands: each reason has one row (sig/host/refusal.def). */
#ifndef SIG_HOST_REFUSAL_H
#define SIG_HOST_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

/* Returned by functions that may refuse: REFUSED_NOT is success. errno is for system calls, memory
 * and parsers. */
enum refusal {
	REFUSED_NOT,
#define REFUSAL(id, name, status, class, argument, words, next) REFUSED_##id,
#include "sig/host/refusal.def"
#undef REFUSAL
	REFUSALS,
	/* Below: of SIP requests, each counted by name (tandem_sip_refused_total). */
	REFUSALS_COUNTED = REFUSED_MEMORY + 1,
};

/* Of a command's error. */
enum refusal_class {
	REFUSAL_BAD_ARGUMENT,
	REFUSAL_NOT_ALLOWED,
	REFUSAL_NOT_FOUND,
	REFUSAL_CONFLICT,
	REFUSAL_FULL,
	REFUSAL_BUSY,
	REFUSAL_UNAVAILABLE,
	REFUSAL_INTERNAL,
	REFUSAL_CLASSES,
};

struct refusal_row {
	const char *name;
	uint16_t status;          /* the usual one of a SIP response */
	uint8_t class;            /* enum refusal_class */
	bool with_reason;         /* to callers by Reason as well (RFC 3326) */
	const char *argument;     /* of a command; NULL: it is about none */
	const char *words, *next; /* for people; next: what to do, may be empty */
};

extern const struct refusal_row refusals[REFUSALS];

#endif
