/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: a process beside the node (tandem-helper webhooks) that reads events of tenants from
 * Redis and posts them. It has its own link to Redis and no part in calls. Lines of JSON over its
 * socket pair:
 *
 *     {"begin":{...}}                  where Redis is, and which node this is: once, first
 *     {"webhook":{...}}                a webhook's settings; without "url" it is off,
 *                                      with "deleted" it is gone
 *     {"ask":ID,"kind":...,"args":{}}  get, dead, replay or test;
 *                                      {"answer":ID,"result":...} or "failed" comes
 *     {"figures":{...}}                from it, each second: counts since the line before
 *     {"off":NAME,"tenant":...}        from it: the server has answered 410
 *
 * Each webhook is a consumer group of its stream, so Redis has the events that were read and not
 * yet delivered (its pending entries). One node at a time reads for it: the holder of its lease, a
 * field of td:{ev:TENANT}:hook:NAME by the clock of Redis. Events of one call are posted one after
 * the other; those behind a failed one wait, others go on. At most HOOK_WINDOW events of a webhook
 * are in memory: behind them the stream waits. One thread.
 */
#ifndef APP_HELPER_HOOKS_H
#define APP_HELPER_HOOKS_H

#include <curl/curl.h>

#include "app/child/child_redis.h"
#include "app/helper/helper.h"
#include "app/helper/hook_event.h"
#include "base/rand.h"
#include "cluster/redis/script.h"
#include "cluster/redis/streams.h"

enum {
	HOOK_WINDOW = 256,    /* events of a webhook in memory */
	HOOK_FLIGHTS = 16,    /* requests of one at a time */
	HOOKS_FLIGHTS = 256,  /* of all */
	HOOKS_EVENTS = 16384, /* in memory, of all; each webhook may have HOOK_FEW beyond */
	HOOK_FEW = 4,
	HOOK_ID_MAX = 48,
	HOOK_KEY_MAX = 160,
	HOOK_ERROR_MAX = 160,
	HOOK_LAGS = 8, /* as the histogram of the node has them */
	HOOK_LEASE_MS = 5000,
	HOOK_BEAT_MS = 1000,
};

struct hooks;
struct hook;

/* An event that is posted, or waits to be. */
struct hook_event {
	struct hook_event *next;
	struct hook *hook;
	char id[HOOK_ID_MAX];
	char entry[HOOK_ID_MAX]; /* its entry to replay; "": pending in the group */
	char *body;              /* what is posted */
	uint64_t order, due_ns, begin_ns;
	uint32_t tries;
	bool behind; /* an earlier event of its call is in memory */
	bool over;   /* delivered or given up; Redis may not know yet */
	bool dead;
	bool told;       /* Redis is about to know */
	json_int_t ask;  /* of webhook.test; 0: not a test */
	size_t received; /* octets of an answer, which is not read */
	long status;
	char error[HOOK_ERROR_MAX];
	CURL *easy; /* NULL: it is not being posted */
	struct curl_slist *headers;
};

struct hook {
	struct hook *next;
	struct hooks *all;
	char tenant[64], name[64], group[80];
	char stream[HOOK_KEY_MAX], state[HOOK_KEY_MAX], dead[HOOK_KEY_MAX], again[HOOK_KEY_MAX];
	char *url, *events, *numbers; /* url NULL: it is off */
	struct http_gate gate;
	uint64_t changed_utc_ms, retry_ms;
	/* Its lease, and what was read. */
	bool asked, mine, reading, pending_read, hungry;
	bool gone;                  /* deleted */
	uint32_t refs;              /* queries to Redis that have no answer yet */
	uint64_t beat_ns, until_ns; /* next turn; the lease */
	uint64_t asked_ns;
	char after[HOOK_ID_MAX]; /* of pending entries */
	char tip[HOOK_ID_MAX];   /* newest known of the stream */
	struct hook_event *first, *last;
	uint32_t count, flights;
	/* How the server does. */
	uint32_t failures; /* in a row, of the server and not of an event */
	uint32_t row;      /* of any kind */
	uint64_t pause_ns; /* nothing is posted before */
	/* Not in Redis yet. */
	uint64_t delivered, retried, given_up, lost;
	struct {
		uint64_t delivered, retried, given_up, lost;
	} sent;
	uint64_t lag_ms, last_utc_ms;
	long status;
	char error[HOOK_ERROR_MAX];
};

struct hooks {
	struct child_peer link;
	struct redis *redis, *wake;
	struct streams outcome; /* of streams of which everything was read */
	struct child_redis place;
	struct scripts scripts;
	struct rand_source rand;
	CURLM *multi;
	uint64_t curl_ns, figures_ns;
	char id[64], name[64];
	struct hook *list;
	uint32_t count, flights;
	uint64_t delivered, retried, dead, lost, lag_ms, lags[HOOK_LAGS]; /* since the last line */
};

/* The process; it ends with the node. */
int hooks_run(void);

/* ---- hooks.c ---- */
/* An event of its stream, empty if the stream has dropped it; or a replayed one with the id of its
 * entry, perhaps whole, as it was posted. */
void hook_read(struct hook *h, struct bytes id, struct bytes entry, struct bytes event, bool whole);
/* Its keys in Redis, by the members tenant, name and application. */
bool hook_keys(struct hook *h, const json_t *args) NODISCARD;
/* Another node has it, or it is to be read anew: drops everything of it. */
void hook_clear(struct hook *h);
/* Redis knows its end; h NULL: it was cleared. */
void hook_event_drop(struct hook *h, struct hook_event *e);
bool hook_has_room(const struct hook *h);
void hooks_answer(struct hooks *s, json_int_t ask, json_t *result, const char *failed);

/* ---- hooks_redis.c ---- */
/* 0 or -errno. begin: of the line. */
int hooks_redis_open(struct hooks *s, const json_t *begin) NODISCARD;
void hooks_redis_close(struct hooks *s);
/* What is due; when the next is. */
uint64_t hooks_redis_round(struct hooks *s, uint64_t now_ns);
/* It was delivered, or given up. */
void hook_over(struct hook *h, struct hook_event *e);
/* It is not wanted. */
void hook_pass(struct hook *h, struct bytes id, struct bytes entry);
/* Off, or deleted: its stream is not read for it any more. */
void hook_forget(struct hook *h, bool deleted);
/* Questions that Redis answers. False: an unknown kind. */
bool hooks_redis_request(struct hooks *s, json_int_t ask, const char *kind, const json_t *args);

#endif
