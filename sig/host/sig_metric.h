/* SPDX-License-Identifier: Apache-2.0 */
/* What the signalling core counts. Every refusal and drop has a name here. */
#ifndef SIG_HOST_SIG_METRIC_H
#define SIG_HOST_SIG_METRIC_H

#include "base/histogram.h"
#include "sig/host/cdr.h"
#include "sig/sip/message.h"

/* Requests we answered with an error of our own. */
#define SIG_REFUSED(X)                                \
	X(MALFORMED, "malformed")                     \
	X(METHOD, "method_not_allowed")               \
	X(EXTENSION, "bad_extension")                 \
	X(SCHEME, "uri_scheme")                       \
	X(HOPS, "too_many_hops")                      \
	X(MERGED, "merged_request")                   \
	X(LOOP, "loop")                               \
	X(CHALLENGE, "challenged")                    \
	X(DIGEST, "wrong_credentials")                \
	X(FOREIGN_NONCE, "foreign_nonce")             \
	X(REPLAY, "replayed_credentials")             \
	X(DIGEST_MALFORMED, "malformed_credentials")  \
	X(GUESSING, "too_many_wrong_credentials")     \
	X(IDENTITY, "not_own_identity")               \
	X(SOURCE, "foreign_source")                   \
	X(TRANSPORT, "transport_not_allowed")         \
	X(DISABLED, "extension_disabled")             \
	X(NOT_FOUND, "not_found")                     \
	X(DOMAIN, "foreign_domain")                   \
	X(NOT_REGISTERED, "not_registered")           \
	X(REGISTRATION_UNREAD, "registration_unread") \
	X(OTHER_NODE, "phone_on_another_node")        \
	X(ROOM, "conference_room")                    \
	X(BODY, "body")                               \
	X(SDP, "session_description")                 \
	X(FORWARD, "forward")                         \
	X(DO_NOT_DISTURB, "do_not_disturb")           \
	X(ENGAGED, "engaged")                         \
	X(TRANSFER, "transfer")                       \
	X(REPLACES, "replaces")                       \
	X(OTHER_SHARD, "other_shard")                 \
	X(CALLS_FULL, "calls_full")                   \
	X(TXNS_FULL, "transactions_full")             \
	X(LOOKUPS_FULL, "lookups_full")               \
	X(PORTS_FULL, "ports_full")                   \
	X(LEGS_FULL, "legs_full")                     \
	X(AORS_FULL, "registrations_full")            \
	X(BINDING, "binding_refused")                 \
	X(BINDING_CONFLICT, "binding_conflict")       \
	X(BINDING_BUSY, "binding_busy")               \
	X(QUOTA_CALLS, "quota_calls")                 \
	X(QUOTA_TXNS, "quota_transactions")           \
	X(QUOTA_PORTS, "quota_port_pairs")            \
	X(QUOTA_CALL_RATE, "quota_call_rate")         \
	X(QUOTA_REGISTERS, "quota_registrations")     \
	X(TENANT_CALLS, "tenant_calls")               \
	X(TENANT_CALL_RATE, "tenant_call_rate")       \
	X(TENANT_AORS, "tenant_registrations")        \
	X(TENANT_REGISTERS, "tenant_register_rate")   \
	X(OVERLOADED, "overloaded")                   \
	X(DRAINING, "draining")                       \
	X(INCOMPLETE, "incomplete_number")            \
	X(BARRED, "barred")                           \
	X(FEATURE, "feature_code")                    \
	X(HOLD, "hold")                               \
	X(TOLL_CALLS, "outside_calls")                \
	X(TOLL_MINUTES, "outside_minutes")            \
	X(NO_DIALOG, "no_dialog")                     \
	X(NO_TRANSACTION, "no_transaction")           \
	X(CSEQ, "cseq_order")                         \
	X(TRUNK, "trunk_direction")                   \
	X(TRUNK_FULL, "trunk_full")                   \
	X(TRUNK_AWAY, "no_trunk")                     \
	X(REDIRECT, "redirect")                       \
	X(BLOCKED, "blocked_caller")                  \
	X(GLARE, "request_pending")                   \
	X(EVENT, "bad_event")                         \
	X(ACCEPT, "not_acceptable")                   \
	X(WATCH, "may_not_watch")                     \
	X(SUBSCRIPTIONS_FULL, "subscriptions_full")   \
	X(EXPIRES, "expires_too_brief")               \
	X(INTERVAL, "session_interval")               \
	X(MEMORY, "out_of_memory")

/* Datagrams nobody gets an answer to. */
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

/* What became of a 401 or 407 to a request of ours (dialog_challenge.h). */
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

enum sig_refused {
#define X(id, name) REFUSED_##id,
	SIG_REFUSED(X)
#undef X
		REFUSED_REASONS
};

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
	metric_id refused[REFUSED_REASONS];
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
void sig_count_refused(const struct sig_metrics *m, enum sig_refused reason);
void sig_count_dropped(const struct sig_metrics *m, enum sig_dropped reason);
void sig_count_destination(const struct sig_metrics *m, enum destination_verdict verdict);
/* Says so of the call, too. realm: what was asked, perhaps empty. */
void sig_count_challenge(const struct sig_metrics *m, enum sig_challenge outcome, uint64_t call,
			 struct bytes realm);
const char *sig_refused_name(enum sig_refused reason);
/* status: of any response */
void sig_count_in(const struct sig_metrics *m, uint16_t status);
void sig_count_out(const struct sig_metrics *m, uint16_t status);

/* How the calls of this node sounded, as histograms over both legs of each call that had audio. */

/* Before other threads run (metric_register). */
void sound_metrics_open(void);
/* Once per call, when it is over. */
void sound_metrics_add(const struct cdr *cdr);

#endif
