/* SPDX-License-Identifier: Apache-2.0 */
/* Why a call ended: one table makes enum, sentence and cause code. Numbers stand in records: append only. */
#ifndef SIG_HOST_CAUSE_H
#define SIG_HOST_CAUSE_H

#include <stdint.h>

/* id, Q.850 cause (0: follows from the SIP status), sentence */
#define CALL_CAUSES(X)                                          \
	X(NONE, 0, "")                                          \
	X(HANGUP, 16, "hung up")                                \
	X(CANCELLED, 16, "cancelled by the caller")             \
	X(REFUSED, 0, "refused by the callee")                  \
	X(NO_ANSWER, 19, "no answer")                           \
	X(NO_RESPONSE, 18, "no response from the callee")       \
	X(UNREACHABLE, 18, "callee cannot be reached")          \
	X(NO_ACK, 102, "answer was never acknowledged")         \
	X(SESSION, 88, "session descriptions do not agree")     \
	X(PROTOCOL, 111, "protocol error")                      \
	X(MEDIA, 47, "media could not be opened")               \
	X(RESOURCES, 47, "out of resources")                    \
	X(OPERATOR, 0, "ended by the operator")                 \
	X(LOST, 31, "dialog was lost by a party")               \
	X(MEDIA_TIMEOUT, 102, "media_timeout")                  \
	X(SESSION_EXPIRED, 102, "session was not refreshed")    \
	X(NOT_CONTINUED, 41, "could not go on after a restart") \
	X(TRANSFERRED, 16, "transferred")                       \
	X(SET, 16, "feature code: set")                         \
	X(NOT_SET, 29, "feature code: not set")                 \
	X(SPLIT, 16, "split")                                   \
	X(TOLL, 21, "minutes outside are used up for today")    \
	X(ACCOUNT, 16, "account code while it was recorded")

enum call_cause {
#define X(id, q850, text) CAUSE_##id,
	CALL_CAUSES(X)
#undef X
		CALL_CAUSE_COUNT
};

const char *call_cause_text(enum call_cause cause);
/* status: of the final response to the INVITE */
uint16_t call_cause_q850(enum call_cause cause, uint16_t status);

#endif
