/* SPDX-License-Identifier: Apache-2.0 */
/* The verb http: what a web server is told about a call. A helper process of the node sends the
 * request and reads the answer. */
#include <stdlib.h>

#include "base/json.h"
#include "sig/pbx/flow/flow.h"

enum { HTTP_ASK_MAX = 65536, HTTP_GRACE_MS = 500, HTTP_LINK_MS = 5000 };

/* A member of an object, behind others. */
static void json_member(struct writer *w, const char *name, struct bytes value)
{
	WRITER_TEXTS(w, w->p[w->n - 1] == '{' ? "\"" : ",\"", name, "\":");
	json_write_text(w, value);
}

static void json_pair(struct writer *w, struct bytes name, struct bytes value)
{
	if (w->p[w->n - 1] != '{')
		writer_u8(w, ',');
	json_write_text(w, name);
	writer_u8(w, ':');
	json_write_text(w, value);
}

static void http_facts(struct flow_turn_of *t, struct writer *w)
{
	static const char *const facts[] = { "call",   "tenant", "caller",  "caller_name",
					     "called", "trunk",  "language" };
	const struct flow_world world = flow_world_of(t);
	uint8_t space[1024];

	for (size_t i = 0; i < COUNT_OF(facts); i++) {
		struct writer value = writer_over(space, sizeof(space));

		world.fact(world.arg, bytes_str(facts[i]), &value);
		json_member(w, facts[i], writer_done(&value));
	}
}

/* Those that are no secret. */
static void http_variables(const struct flow_position *at, struct writer *w)
{
	struct bytes rest = text_bytes(&at->variables), name, value;

	while (bytes_cut(&rest, '\0', &name) && bytes_cut(&rest, '\0', &value))
		json_pair(w, name, value);
}

/* Also the other values as encoded in URLs: request logs must not show them. */
static void http_hidden(const struct flow_position *at, struct writer *w)
{
	struct bytes rest = text_bytes(&at->secrets), name, value;
	const char *before = ",\"hidden\":[\"";
	uint8_t room[3 * VERB_TEXT_MAX];

	while (bytes_cut(&rest, '\0', &name) && bytes_cut(&rest, '\0', &value)) {
		struct writer url = writer_over(room, sizeof(room));

		url_write_value(&url, value);
		writer_str(w, before);
		writer_bytes(w, writer_done(&url));
		writer_str(w, "\",");
		json_write_text(w, value);
		before = ",\"";
	}
	writer_str(w, at->secrets.n ? "]" : "");
	explicit_bzero(room, sizeof(room));
}

static void http_tags(const struct call *c, struct writer *w)
{
	struct bytes rest = text_bytes(&c->data), one, name;

	while (bytes_cut(&rest, ';', &one)) {
		if (bytes_cut(&one, '=', &name))
			json_pair(w, name, one);
	}
}

static void http_data(const struct flow_verb *v, struct writer *w)
{
	const struct flow_value *data = verb_value(v, "data");

	for (uint8_t i = 0; i + 1 < data->count; i = (uint8_t)(i + 2))
		json_pair(w, v->texts[data->first + i], v->texts[data->first + i + 1]);
}

/* What the server is told: the call, where it is, and how the verb before ended. */
static void http_body(struct flow_turn_of *t, const char *type, const struct flow_step *step,
		      struct writer *w)
{
	const struct flow_run *r = t->c->run;

	WRITER_TEXTS(w, "{\"type\":\"", type, "\"");
	http_facts(t, w);
	json_member(w, "flow", bytes_str(r->name));
	json_member(w, "step", bytes_str(step->name));
	writer_number(w, ",\"visit\":", r->at.visit, "");
	json_member(w, "outcome", bytes_str(g_flow_outcomes[r->outcome]));
	writer_str(w, ",\"tags\":{");
	http_tags(t->c, w);
	writer_str(w, "},\"variables\":{");
	http_variables(&r->at, w);
	writer_str(w, "}");
}

/* A repeated request has the same id: the call, and the verb in it. */
static void http_request(struct flow_turn_of *t, struct writer *w)
{
	const struct flow_run *r = t->c->run;
	const struct flow_value *method = verb_value(t->v, "method");
	char id[ID_TEXT_LEN + 16];
	struct writer of = writer_over(id, sizeof(id));

	id_call_put(id, t->c->id);
	of.n = ID_TEXT_LEN;
	writer_number(&of, "-", r->order, ".");
	writer_number(&of, "", r->at.visit, "");
	writer_u8(w, '{');
	json_member(w, "id", writer_done(&of));
	json_member(w, "url", verb_text(t->v, "url"));
	json_member(w, "fallback", verb_text(t->v, "fallback"));
	json_member(w, "method", bytes_str(method->number ? "get" : "post"));
	http_hidden(&r->at, w);
	writer_number(w, ",\"timeout_ms\":", verb_number(t->v, "timeout_s"), ",\"body\":");
	http_body(t, "flow.http", t->v->step, w);
	writer_str(w, ",\"data\":{");
	http_data(t->v, w);
	writer_str(w, "}}}");
}

static bool url_links(struct bytes url)
{
	return bytes_starts(url, "ws://") || bytes_starts(url, "wss://");
}

int verb_http(struct flow_turn_of *t)
{
	uint8_t *space = malloc(HTTP_ASK_MAX);
	struct writer w = writer_over(space, HTTP_ASK_MAX);
	uint32_t urls = verb_value(t->v, "fallback")->given ? 2 : 1;
	int outcome = OUTCOME_FAILED;

	if (!space)
		return outcome;
	t->c->run->linked |=
		url_links(verb_text(t->v, "url")) || url_links(verb_text(t->v, "fallback"));
	http_request(t, &w);
	if (!w.overflow)
		outcome = verb_request(t, HELPER_HTTP, writer_done(&w),
				       urls * verb_number(t->v, "timeout_s") + HTTP_GRACE_MS);
	explicit_bzero(space, HTTP_ASK_MAX);
	free(space);
	return outcome;
}

/* ---- WebSockets ---- */

static void http_help(const struct call_host *h, const struct call *c, enum help what,
		      struct bytes data)
{
	struct request_helper *help =
		effects_request(h->effects, EFFECT_HELPER, c->id, 0,
				EFFECT_TEXTS(bytes_str(call_tenant(h, c)), data));

	if (!help) /* it is asked when the next verb does */
		return;
	help->what = what;
	help->ttl_ms = HTTP_LINK_MS;
}

/* The application that the last step asks for more verbs; empty if the program is not an
 * application's. */
static struct bytes program_application(const struct flow_program *p)
{
	const struct flow_step *last = &p->steps[p->count - 1];
	const json_t *url = json_object_get(last->args, "url");
	struct bytes text = { 0 };

	if (!strcmp(last->verb->name, "http") && json_is_string(url))
		text = bytes_mem(json_string_value(url), json_string_length(url));
	return url_links(text) && bytes_find(text, '{') == text.n ? text : (struct bytes){ 0 };
}

void http_link(struct call_host *h, struct call *c, const struct flow_program *p)
{
	struct bytes url = program_application(p);
	struct flow_turn_of t = { h, c, p, NULL };
	uint8_t *space = url.n && c->restored && !c->run->linked && c->run->at.step < p->count
				 ? malloc(HTTP_ASK_MAX)
				 : NULL;
	struct writer w = writer_over(space, HTTP_ASK_MAX);

	if (!space)
		return;
	c->run->linked = true;
	writer_u8(&w, '{');
	json_member(&w, "url", url);
	writer_str(&w, ",\"body\":");
	http_body(&t, "flow.resumed", &p->steps[c->run->at.step], &w);
	writer_str(&w, "}}");
	if (!w.overflow)
		http_help(h, c, HELPER_LINK, writer_done(&w));
	free(space);
}

void http_leave(struct call_host *h, struct call *c)
{
	char text[96], id[ID_TEXT_LEN];
	struct writer w = writer_over(text, sizeof(text));

	if (!c->run->linked)
		return;
	c->run->linked = false;
	id_call_put(id, c->id);
	writer_str(&w, "{\"leave\":true,\"call\":\"");
	writer_mem(&w, id, sizeof(id));
	writer_str(&w, "\"}");
	http_help(h, c, HELPER_LEAVE, writer_done(&w));
}
