/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl listen and trigger: events to the terminal, or to a developer's web server as webhooks
 * post them. trigger makes a sample event of a call, so that a web application can be tried before
 * there is one. Posts are signed as those of the node's helper process. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "app/ctl/ctl.h"
#include "app/helper/hook_event.h"
#include "app/helper/webhook.h"
#include "app/schema/fields.h"
#include "base/clock.h"
#include "client/tandem_http.h"

enum { ID_MAX = 48, POST_S = 15 };

struct listen {
	const char *from, *ca, *forward; /* forward NULL: events are printed */
	char tenant[COMMAND_TENANT_MAX];
	struct webhook_secret secrets[WEBHOOK_SECRETS_MAX]; /* of WEBHOOK_SECRET */
	size_t secret_count;
	json_t *words; /* NAME=VALUE: filters of listen, fields of trigger */
};

/* ---- what is posted ---- */

static size_t on_response(char *data, size_t one, size_t n, void *arg)
{
	(void)data;
	(void)one;
	(void)arg;
	return n;
}

static void post_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more)
		*list = more;
}

/* The status; 0: nobody answered, which was complained of. */
static long listen_post_body(const struct listen *l, const char *id, const char *body)
{
	const struct webhook_request r = { .method = "POST",
					   .url = bytes_str(l->forward),
					   .id = bytes_str(id),
					   .body = bytes_str(body),
					   .utc_s = clock_utc_ms() / 1000 };
	char text[WEBHOOK_HEADERS_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct curl_slist *headers = NULL;
	CURL *curl = curl_easy_init();
	long status = 0;
	CURLcode err;

	webhook_headers(&w, l->secrets, l->secret_count, &r);
	post_header(&headers, "Content-Type: application/json");
	for (size_t at = 0; !w.overflow && at < w.n; at += strlen(text + at) + 1)
		post_header(&headers, text + at);
	(void)curl_easy_setopt(curl, CURLOPT_URL, l->forward);
	(void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)POST_S);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_response);
	err = curl_easy_perform(curl);
	if (err)
		ctl_complain("%s: %s", l->forward, curl_easy_strerror(err));
	else
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return status;
}

/* Says what became of it. */
static long listen_post(const struct listen *l, const json_t *event, const char *id)
{
	char *body = hook_event_body(event, id, l->tenant);
	long status = body ? listen_post_body(l, id, body) : 0;

	if (status)
		(void)printf("%s %s %ld\n", json_string_value(json_object_get(event, "type")), id,
			     status);
	(void)fflush(stdout);
	free(body);
	return status;
}

/* ---- listen ---- */

static bool listen_event(const json_t *event, void *arg)
{
	const struct listen *l = arg;
	const char *id = json_string_value(json_object_get(event, "id"));
	json_t *plain;

	if (!l->forward || !id || !strchr(json_string_value(json_object_get(event, "type")), '.')) {
		(void)json_dumpf(event, stdout, JSON_COMPACT);
		(void)putchar('\n');
		return !fflush(stdout);
	}
	plain = json_deep_copy(event);
	(void)json_object_del(plain, "id"); /* it is outside of the event, too */
	(void)listen_post(l, plain, id);
	json_decref(plain);
	return true;
}

static int listen_run(struct listen *l)
{
	const char *token = getenv("TANDEM_TOKEN");
	struct bytes rest = bytes_str(token ? token : ""), tenant = { 0 };
	const struct tandem_http_problem *problem;
	struct tandem_http *c;
	int err;

	(void)bytes_cut(&rest, '~', &tenant);
	if (bytes_cstr(tenant, l->tenant, sizeof(l->tenant)) ||
	    tandem_http_open(&c, l->from, token)) {
		ctl_complain("TANDEM_TOKEN is no token");
		return CTL_USAGE;
	}
	if (l->ca)
		tandem_http_ca(c, l->ca);
	err = tandem_http_events(c, json_incref(l->words), listen_event, l);
	problem = tandem_http_problem(c);
	if (err == -EACCES)
		ctl_complain("%s: %s%s", problem->code, problem->detail,
			     token ? "" : ": TANDEM_TOKEN has no token; token.create makes one");
	tandem_http_close(c);
	return err ? CTL_REFUSED : CTL_DONE;
}

/* ---- trigger ---- */

/* As a call of 1001 to 1002 would say it. False: there is no such kind. */
static bool event_sample_write(struct writer *w, const char *kind)
{
	static const struct {
		enum event_field field;
		const char *value;
	} texts[] = {
		{ EV_FROM, "1001" },    { EV_TO, "1002" },      { EV_NUMBER, "100" },
		{ EV_A_STATE, "idle" }, { EV_B_STATE, "idle" }, { EV_LEG, "a" },
		{ EV_DIGIT, "1" },      { EV_DIGITS, "1" },     { EV_REASON, "sample" },
		{ EV_BY, "sample" },    { EV_MAILBOX, "1002" }, { EV_NO_ACCOUNT, "" },
	};
	static const struct {
		enum event_field field;
		uint64_t value;
	} numbers[] = {
		{ EV_CONFERENCE, 1 },    { EV_MEMBER, 1 },         { EV_SIP_STATUS, 200 },
		{ EV_HTTP_STATUS, 200 }, { EV_ORDER, 1 },          { EV_VISIT, 1 },
		{ EV_MS, 1000 },         { EV_DURATION_MS, 1000 },
	};
	struct sig_event e = { .call = clock_utc_ms() << 16, .version = 1 };

	while (e.kind < SIG_EVENT_KINDS && strcmp(kind, event_rows[e.kind].name) != 0)
		e.kind++;
	if (e.kind == SIG_EVENT_KINDS)
		return false;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		event_put_str(&e, texts[i].field, texts[i].value);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		event_put_number(&e, numbers[i].field, numbers[i].value);
	event_put_recording(&e, event_kind_has(e.kind, EV_CONFERENCE) ? 1 : e.call, 1);
	event_write_json(w, &e);
	event_clear(&e);
	return true;
}

static int trigger_run(const struct listen *l, const char *kind)
{
	static char text[FIELDS_JSON_MAX];
	struct writer w = writer_over(text, sizeof(text));
	char id[ID_MAX];
	json_t *event;
	long status;

	if (!l->forward || !kind || !event_sample_write(&w, kind)) {
		ctl_complain(
			"trigger KIND --forward URL [NAME=VALUE...]: the kinds are the events of "
			"docs/api.md");
		return CTL_USAGE;
	}
	event = json_loadb(text, w.n, 0, NULL);
	(void)json_object_update(event, l->words);
	(void)snprintf(id, sizeof(id), "%" PRIu64 "-0", clock_utc_ms());
	status = listen_post(l, event, id);
	json_decref(event);
	return status >= 200 && status < 300 ? CTL_DONE : status ? CTL_REFUSED : CTL_NO_ANSWER;
}

/* ---- words ---- */

/* False: complained. */
static bool listen_word(struct listen *l, const char *word)
{
	struct bytes value = bytes_str(word), name = { 0 };
	char plain[64];

	if (bytes_find(value, '=') == value.n || !bytes_cut(&value, '=', &name) ||
	    bytes_cstr(name, plain, sizeof(plain))) {
		ctl_complain("what is '%s'? See tandemctl help", word);
		return false;
	}
	(void)json_object_set_new(l->words, plain, json_stringn((const char *)value.p, value.n));
	return true;
}

static bool listen_words(struct listen *l, int argc, char **argv)
{
	const char *secrets = getenv("WEBHOOK_SECRET");

	if (webhook_secrets_read(l->secrets, &l->secret_count, bytes_str(secrets ? secrets : ""))) {
		ctl_complain("WEBHOOK_SECRET is whsec_ and base64 of 24 to 64 octets");
		return false;
	}
	for (int i = 0; i < argc; i++) {
		bool has_value = i + 1 < argc;

		if (has_value && !strcmp(argv[i], "--forward"))
			l->forward = argv[++i];
		else if (has_value && !strcmp(argv[i], "--from"))
			l->from = argv[++i];
		else if (has_value && !strcmp(argv[i], "--ca"))
			l->ca = argv[++i];
		else if (!listen_word(l, argv[i]))
			return false;
	}
	return true;
}

int ctl_listen(const char *verb, int argc, char **argv)
{
	struct listen l = { .from = "http://127.0.0.1:8080",
			    .tenant = "default",
			    .words = json_object() };
	bool is_listen = !strcmp(verb, "listen");
	const char *kind = !is_listen && argc ? argv[0] : NULL;
	int skip = kind ? 1 : 0, status = CTL_USAGE;

	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	if (listen_words(&l, argc - skip, argv + skip))
		status = is_listen ? listen_run(&l) : trigger_run(&l, kind);
	explicit_bzero(l.secrets, sizeof(l.secrets));
	json_decref(l.words);
	curl_global_cleanup();
	return status;
}
