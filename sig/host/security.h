/* SPDX-License-Identifier: Apache-2.0 */
/* Misuse of the node for operators: each event is counted by its kind, and becomes an effect (a log
 * line and a stream entry). Of one kind from one source (IPv6: one /64) the first is reported at
 * once, those of the next SECURITY_WINDOW_S as one with their number; all sources together have a
 * budget, and what exceeds it is reported by kind alone. So a flood cannot hide another event, nor
 * fill a log. Fixed size, owned by the shard, one thread. Never contains a secret. */
#ifndef SIG_HOST_SECURITY_H
#define SIG_HOST_SECURITY_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "base/table.h"
#include "base/wheel.h"

struct effects;

/* id, name in the stream and the metric, sentence of the log. */
#define SECURITY_KINDS(X)                                                                     \
	X(WRONG_PASSWORD, "wrong_password", "a wrong password was tried")                     \
	X(GUESSING, "guessing", "too many wrong passwords, their source has to wait")         \
	X(WRONG_PIN, "wrong_pin", "a wrong PIN was given")                                    \
	X(PIN_GUESSING, "pin_guessing", "too many wrong PINs, their caller has to wait")      \
	X(FOREIGN_NONCE, "foreign_nonce",                                                     \
	  "credentials answer a challenge that another source got")                           \
	X(REPLAY, "replay", "credentials were used again")                                    \
	X(FOREIGN_IDENTITY, "foreign_identity", "a request was in the name of somebody else") \
	X(TRANSPORT, "transport", "a phone came over a transport that it may not use")        \
	X(CERTIFICATE, "certificate", "a client certificate is missing or not good")          \
	X(PAGE, "page", "a WebSocket of a page that is not allowed")                          \
	X(QUOTA, "quota", "more was asked for than the quota allows")                         \
	X(FLOOD, "flood", "more messages came than a source may send")                        \
	X(DESTINATION, "destination", "something was to be sent where nothing may be sent")   \
	X(ROUTE, "untrusted_route", "a Route header of a source that may not give one")       \
	X(FOREIGN_SOURCE, "foreign_source", "media or signalling came from a foreign source") \
	X(FORKS, "forks", "a callee made too many dialogs of one call")                       \
	X(BARRED, "barred", "a number was called that is barred for the extension")           \
	X(TOLL, "outside_limit", "a limit of calls outside is reached")                       \
	X(TOLL_SOON, "outside_warning", "most minutes outside of this day are used")          \
	X(LOCATION, "unknown_location",                                                       \
	  "a phone says a location that its extension has not, or that is not provisioned")

enum security_kind {
#define X(id, name, sentence) SECURITY_##id,
	SECURITY_KINDS(X)
#undef X
		SECURITY_KIND_COUNT
};

enum {
	SECURITY_SETS = 256,
	SECURITY_WAYS = 4,
	SECURITY_WINDOW_S = 10,
	SECURITY_TELLS_PER_S = 10, /* of all sources together, */
	SECURITY_TELLS_BURST = 50, /* so many at once */
	SECURITY_USER_MAX = 64,
	SECURITY_DETAIL_MAX = 96,
};

/* An event as reported. Texts are of the newest, cut if long; user is from the wire: any octets but
 * NUL. */
struct security_event {
	enum security_kind kind;
	struct addr source; /* ADDR_NONE: of several */
	uint64_t count;     /* how many since it was told last */
	char user[SECURITY_USER_MAX];
	char detail[SECURITY_DETAIL_MAX];
};

struct security_entry {
	uint64_t id;                 /* hash of kind and source; 0: free */
	uint64_t told_ns;            /* when it was told last; 0: never */
	uint64_t last_ns;            /* newest event */
	struct security_event event; /* count: not told yet */
};

struct security {
	struct effects *effects;
	struct wheel *wheel;
	struct wheel_timer timer; /* runs while there is something to tell */
	struct hash_key key;
	uint64_t budget_full_ns;
	uint64_t others[SECURITY_KIND_COUNT]; /* not reported yet, without source */
	metric_id events[SECURITY_KIND_COUNT];
	struct security_entry sets[SECURITY_SETS][SECURITY_WAYS];
};

/* *s is zeroed. timer_kind: its owner calls security_publish when that timer is due. */
void security_open(struct security *s, struct effects *effects, struct wheel *wheel,
		   uint32_t timer_kind, const struct hash_key *key);
/* user: {0} where none is known. detail: what else is to be known, in words of ours. */
void security_event(struct security *s, enum security_kind kind, const struct addr *source,
		    struct bytes user, const char *detail, uint64_t now_ns);
void security_publish(struct security *s, uint64_t now_ns);
const char *security_kind_name(enum security_kind kind);
const char *security_kind_sentence(enum security_kind kind);

/* Delays guesses of a secret entered by digits or speech (the PIN of a room). Such secrets are
 * short, so fewer guesses are free than of passwords (shared_tables.h). A wrong one counts in
 * three places. For the caller at the object: after SECRET_FAILURES within SECRET_WINDOW_S it
 * waits, twice as long after each further one. For all callers of one source (an extension, a
 * trunk, an address) at the object, since caller numbers are easily made up. For the source at all
 * objects together. The last two are buckets. A caller who gave the right secret before waits for
 * his own guesses only. Guesses from another source delay no caller. One for the node, for all
 * calls of all its shards; it gets the counts of other nodes (remote_watch.h). Fixed size, one
 * thread. Entries are displaced by those with more to remember, and made-up callers displace no
 * known caller. */

#define SECRET_PASSWORD \
	"password " /* in front of an extension: object of its password and PIN, by whatever way */

enum {
	SECRET_FAILURES = 6, /* within this: */
	SECRET_WINDOW_S = 3600,
	SECRET_WAIT_MIN_S = 5, /* then the caller waits so long, twice as long each time, */
	SECRET_WAIT_MAX_S = 600,
	SECRET_OBJECT_BURST = 30,   /* of one source at one object, at once and */
	SECRET_OBJECT_EACH_S = 120, /* one more each so many seconds */
	SECRET_SOURCE_BURST = 100,  /* of one source at all objects */
	SECRET_SOURCE_EACH_S = 20,
	SECRET_SETS = 2048,
	SECRET_WAYS = 4,
	SECRET_TEXT_MAX = 255, /* octets of each of: */
};

struct secret_guess {
	struct bytes tenant; /* its name, as all nodes know it */
	struct bytes object; /* what the secret is of, as "room 700" */
	struct bytes source; /* the source of the guess, as "trunk carrier" */
	struct bytes caller; /* the number that was shown */
};

struct secret_limit;

/* The key is secret, so that no caller can choose which entry it displaces. Returns 0 or
 * -ENOMEM. */
int secret_limit_open(struct secret_limit **out, const struct hash_key *key) NODISCARD;
void secret_limit_close(struct secret_limit *l); /* NULL is fine */
/* How long what he gives is not looked at; 0: it is. */
uint64_t secret_limit_wait_ns(const struct secret_limit *l, const struct secret_guess *g,
			      uint64_t now_ns);
/* It was wrong. */
void secret_limit_failed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns);
/* It was right. */
void secret_limit_passed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns);

#endif
