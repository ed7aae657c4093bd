/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of the HTTP API of a tandem node (docs/api.md), in C. Two files to copy, or -ltandem_http;
 * needs libcurl and jansson.
 *
 *     struct tandem_http *c;
 *     json_t *call;
 *
 *     if (!tandem_http_open(&c, "http://127.0.0.1:8080", getenv("TANDEM_TOKEN")) &&
 * !tandem_http_do(c, "call.originate",
 *                         json_pack("{s:s, s:s}", "from", "1001", "to", "1002"), NULL, &call)) {
 *             puts(json_string_value(json_object_get(call, "id")));
 *             json_decref(call);
 *     }
 *     tandem_http_close(c);
 *
 * The node has the list of operations; their names are in docs/api.md. A client belongs to one
 * thread. The program calls curl_global_init before it has threads.
 */
#ifndef CLIENT_TANDEM_HTTP_H
#define CLIENT_TANDEM_HTTP_H

#include <jansson.h>
#include <stdbool.h>

struct tandem_http;

/* Why the last request failed (RFC 9457); unknown texts are empty. */
struct tandem_http_problem {
	long status; /* 0: nobody answered */
	char code[32], argument[64], detail[512];
};

/* token: as token.create has shown it. Nothing is sent yet. 0 or -ENOMEM. */
int tandem_http_open(struct tandem_http **out, const char *url, const char *token);
/* A file of authorities, for https; else those of the system. Borrowed. */
void tandem_http_ca(struct tandem_http *c, const char *file);
/* NULL is fine. */
void tandem_http_close(struct tandem_http *c);

/*
 * One operation, and its result (NULL: not wanted). args: an object, stolen; NULL: none. key: NULL,
 * or an idempotency key: the same key is the same command, so it is repeated if the connection
 * broke. A request that was not carried out (429, 503) is repeated, four times at most. 0; -ENOENT:
 * no such operation; -EACCES: the node refused; -EHOSTUNREACH: no answer, and it may have been
 * done; -ENOMEM.
 */
int tandem_http_do(struct tandem_http *c, const char *name, json_t *args, const char *key,
		   json_t **result);

/* False: no more. */
typedef bool tandem_http_event_fn(const json_t *event, void *arg);
/*
 * Events as they come, until the function returns false: 0; or as tandem_http_do. filters: an
 * object of type, call, user, application, after, tenant; stolen; NULL: all. Over a lost connection
 * it continues behind the last event. The first event is "listening"; "missed" tells of events that
 * are not stored any more.
 */
int tandem_http_events(struct tandem_http *c, json_t *filters, tandem_http_event_fn *on_event,
		       void *arg);

const struct tandem_http_problem *tandem_http_problem(const struct tandem_http *c);

#endif
