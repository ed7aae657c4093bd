/* SPDX-License-Identifier: Apache-2.0 */
/* What the signalling core counts. Every refusal and drop has a name here. */
#ifndef SIG_HOST_SIG_METRIC_H
#define SIG_HOST_SIG_METRIC_H

#include "base/metric.h"
#include "sig/host/cdr.h"
#include "sig/host/refusal.h"
#include "sig/sip/message.h"

/* Datagrams that get no response. */
#define SIG_DROPPED(X)                              \
	X(KEEPALIVE, "keepalive")                   \
	X(UNREADABLE, "unreadable")                 \
	X(ACK, "ack_without_transaction")           \
	X(SOURCE, "foreign_source")                 \
	X(RESPONSE, "response_without_transaction") \
	X(FORKS, "too_many_forks")                  \
	X(SELF, "from_ourselves")                   \
	X(TOO_LARGE, "too_large")                   \
	X(OOM, "out_of_memory")

/* Addresses that a party named and that the node sends nothing to (destination.h). */
#define SIG_DESTINATIONS(X)           \
	X(NONE, "no_address")         \
	X(UNSPECIFIED, "unspecified") \
	X(MULTICAST, "multicast")     \
	X(BROADCAST, "broadcast")     \
	X(OWN_PORT, "own_port")       \
	X(FOREIGN, "foreign")         \
	X(LOOPBACK, "loopback")       \
	X(LINK_LOCAL, "link_local")   \
	X(OWN_ADDRESS, "own_address")

/* What became of a 401 or 407 to a request of ours (sig/dialog/dialog.h). */
#define SIG_CHALLENGES(X)               \
	X(ANSWERED, "answered")         \
	X(NOBODY, "no_credentials")     \
	X(REALM, "other_realm")         \
	X(UNKNOWN, "unknown_algorithm") \
	X(MALFORMED, "malformed")       \
	X(WRONG, "wrong_credentials")   \
	X(MEMORY, "out_of_memory")

/* What became of a session with an external recorder. */
#define SIG_SIPREC(X)                 \
	X(BEGUN, "begun")             \
	X(REFUSED, "refused")         \
	X(UNREACHABLE, "unreachable") \
	X(NO_PORTS, "no_ports")       \
	X(ENDED, "ended_by_recorder")

/* What became of a save. */
#define SIG_SAVES(X)          \
	X(STARTED, "started") \
	X(DONE, "done")       \
	X(FAILED, "failed")   \
	X(LATE, "late")       \
	X(SKIPPED, "skipped")

enum sig_dropped {
#define X(id, name) DROPPED_##id,
	SIG_DROPPED(X)
#undef X
		DROPPED_REASONS
};

enum destination_verdict {
	DESTINATION_OK,
#define X(id, name) DESTINATION_##id,
	SIG_DESTINATIONS(X)
#undef X
		DESTINATION_VERDICTS
};

enum sig_challenge {
#define X(id, name) CHALLENGE_##id,
	SIG_CHALLENGES(X)
#undef X
		CHALLENGE_OUTCOMES
};

enum sig_save {
#define X(id, name) SAVE_##id,
	SIG_SAVES(X)
#undef X
		SAVE_RESULTS
};

enum siprec_outcome {
#define X(id, name) SIPREC_##id,
	SIG_SIPREC(X)
#undef X
		SIPREC_OUTCOMES
};

enum { SIG_METHODS = SIP_UNKNOWN + 1, SIG_CLASSES = 7 };

struct sig_metrics {
	metric_id requests[SIG_METHODS];
	metric_id responses_in[SIG_CLASSES], responses_out[SIG_CLASSES]; /* by status / 100 */
	metric_id refused[REFUSALS_COUNTED];                             /* but the first */
	metric_id dropped[DROPPED_REASONS];
	metric_id destinations[DESTINATION_VERDICTS]; /* but the first */
	metric_id challenges[CHALLENGE_OUTCOMES];
	metric_id saves[SAVE_RESULTS];
	metric_id siprec[SIPREC_OUTCOMES];
	struct histogram setup, ringing; /* us from the INVITE that came */
	metric_id restored, given_up, refused_untold;
	metric_id calls_transcoded, calls_transcoded_now;
	metric_id calls_other, calls_established, aors, txns, subscriptions,
		saves_pending; /* gauges */
	metric_id calls_started, calls_answered, calls_ended;
};

/* Before other threads run (metric_register). */
void sig_metrics_open(struct sig_metrics *m);
/* One that is not among those of requests, or none, is counted as REFUSED_OTHER. */
void sig_count_refused(const struct sig_metrics *m, enum refusal reason);
void sig_count_dropped(const struct sig_metrics *m, enum sig_dropped reason);
void sig_count_destination(const struct sig_metrics *m, enum destination_verdict verdict);
/* Says so of the call, too. realm: what was asked, perhaps empty. */
void sig_count_challenge(const struct sig_metrics *m, enum sig_challenge outcome, uint64_t call,
			 struct bytes realm);
/* status: of any response */
void sig_count_in(const struct sig_metrics *m, uint16_t status);
void sig_count_out(const struct sig_metrics *m, uint16_t status);

/* How the calls of this node sounded, as histograms over both legs of each call that had audio. */

/* Before other threads run (metric_register). */
void sound_metrics_open(void);
/* Once per call, when it is over. */
void sound_metrics_add(const struct cdr *cdr);

#endif
