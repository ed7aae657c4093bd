/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandem-helper: a process beside the node that does for calls what must never run on the control
 * thread: it asks web servers, and has texts spoken. It has no privileges, ends with the node, and
 * is restarted when it dies (app/node/node_helper.h). Lines of JSON over a socket pair:
 *
 *     {"ask":ID,"kind":NAME,"ms":DEADLINE,"args":{...}}  to it
 *     {"answer":ID,"result":{...}}                       from it, in any order
 *     {"answer":ID,"failed":TEXT}
 *
 * Each request is answered, by its deadline at the latest. A kind of request is a row (helper.c).
 * One thread.
 */
#ifndef APP_HELPER_HELPER_H
#define APP_HELPER_HELPER_H

#include <curl/curl.h>
#include <sys/types.h>

#include "app/child/child_link.h"
#include "app/helper/webhook.h"
#include "base/clock.h"

enum {
	HELPER_REQUESTS_MAX = 2048, /* at a time */
	HELPER_CHILDREN_MAX = 8,
	HELPER_LINKS_MAX = 2048,
};

struct helper;
struct helper_kind;

struct helper_request {
	uint64_t id; /* 0: free */
	uint64_t until_ns;
	const struct helper_kind *kind;
	void *work;    /* its kind's own */
	pid_t child;   /* 0: none */
	int child_end; /* a pidfd */
};

struct helper_kind {
	const char *name;
	/* It answers now, or later. */
	void (*begin)(struct helper *h, struct helper_request *r, const json_t *args);
	/* Its child has ended. NULL: it never has one. */
	void (*reaped)(struct helper *h, struct helper_request *r, int status);
	/* Its libcurl transfer (CURLOPT_PRIVATE: the request) has ended. NULL: it has none. */
	void (*fetched)(struct helper *h, struct helper_request *r, CURLcode code);
	/* Its own timer, before the request's deadline: returns the next time. NULL: none. */
	uint64_t (*due)(struct helper *h, struct helper_request *r, uint64_t now_ns);
	/* It is answered, or too late, and a child is killed: nothing is left of its work. */
	void (*end)(struct helper *h, struct helper_request *r);
};

struct helper {
	struct child_peer link;
	CURLM *multi;
	struct ws_link *links; /* WebSockets to web applications, one of a call */
	uint32_t count, children, link_count;
	struct helper_request requests[HELPER_REQUESTS_MAX];
};

/* Either is the end of the request. */
void helper_answer(struct helper *h, struct helper_request *r, json_t *result); /* stolen */
void helper_fail(struct helper *h, struct helper_request *r, const char *why);
/* Runs a program, which ends with this process. in, out: stdin and stdout; -1: none.
 * 0; -EAGAIN: too many run; -errno. */
int helper_child(struct helper *h, struct helper_request *r, char *const argv[], int in, int out);

/* ---- http.c ---- */
extern const struct helper_kind g_helper_http;
/* Requests that have ended. */
void http_collect(struct helper *h);

/* The servers that a tenant may ask: checked for each address before a connection. */
struct http_gate {
	struct webhook_network networks[WEBHOOK_NETWORKS_MAX];
	size_t network_count;
	struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
	size_t secret_count;
	bool barred; /* no request is allowed */
};
/* Of the members networks and secret. False: they are wrong. */
bool http_gate_read(struct http_gate *g, const json_t *args);
/* What all connections have in common. */
void http_gate_set(CURL *easy, struct http_gate *g);
/* A request to a server that the operator names: no network is barred. */
struct http_own {
	CURL *easy; /* NULL: none */
	struct http_gate gate;
	char error[CURL_ERROR_SIZE];
	char *answer;
	size_t answer_n, answer_max;
};
/* ca "": those of this machine. Answers over most octets fail. False: no memory. */
bool http_own_open(struct http_own *o, struct helper_request *r, const char *url,
		   const char *protocols, const char *ca, size_t most);
void http_own_close(struct helper *h, struct http_own *o);
/* Headers that identify the sender, signed if there is a secret. False: no memory. */
bool http_signed(struct curl_slist **headers, const struct http_gate *g, const char *id,
		 const char *method, const char *url, struct bytes body);
/* How lists of verbs of an application at that URL end: it is asked again.
 * NULL: not, as the URL has secrets. */
json_t *http_again(const json_t *args, const char *url);
/* Word for a failed connection; its detail in *text. */
const char *http_why(CURLcode code, const struct http_gate *g, const char **text);

/* Result of a try over a WebSocket. answer: stolen; NULL: failed, with that word.
 * again: it may be repeated. */
void http_reply(struct helper *h, struct helper_request *r, json_t *answer, const char *reason,
		const char *detail, bool again);

/* ---- ws.c ---- */
extern const struct helper_kind g_helper_link, g_helper_send;
bool ws_is(const char *url);
/* The call's connection to that application, opened if missing. again: end of its lists of verbs.
 * NULL: no room. */
struct ws_link *ws_link_to(struct helper *h, const char *call, const char *url, const json_t *args);
/* Says that, now or when it is connected. */
void ws_request(struct helper *h, struct ws_link *l, struct helper_request *r, const char *message);
/* The request's answer is not wanted any more. */
void ws_forget(struct helper *h, const struct helper_request *r);
/* A transfer has ended: if it was a connection's, it is up or failed. False: it is not. */
bool ws_connected(struct helper *h, CURL *easy, CURLcode code);
/* What is due; until when nothing is. */
uint64_t ws_round(struct helper *h, uint64_t now_ns);
/* Descriptors to wait for, at most so many; and what came. */
unsigned ws_watch(const struct helper *h, struct curl_waitfd *wait, unsigned most);
void ws_read_all(struct helper *h);
void ws_close_all(struct helper *h);

/* ---- say.c, login.c, mail.c, push.c, contacts.c ---- */
extern const struct helper_kind g_helper_say, g_helper_login, g_helper_mail, g_helper_transcribe,
	g_helper_push, g_helper_contacts;

#endif
