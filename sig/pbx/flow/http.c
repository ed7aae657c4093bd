/* SPDX-License-Identifier: Apache-2.0 */
/* The verb http: what a web server is told of a call. Who asks it, and reads its answer, is the node's helper process. */
#include <stdlib.h>

#include "base/json.h"
#include "sig/pbx/flow/flow.h"

enum { HTTP_ASK_MAX = 65536, HTTP_GRACE_MS = 500 };

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

/* The values of the others: who looks at requests does not see them. */
static void http_hidden(const struct flow_position *at, struct writer *w)
{
	struct bytes rest = text_bytes(&at->secrets), name, value;
	const char *before = ",\"hidden\":[";

	while (bytes_cut(&rest, '\0', &name) && bytes_cut(&rest, '\0', &value)) {
		writer_str(w, before);
		json_write_text(w, value);
		before = ",";
	}
	writer_str(w, at->secrets.n ? "]" : "");
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
static void http_body(struct flow_turn_of *t, struct writer *w)
{
	const struct flow_run *r = t->c->run;

	writer_str(w, "{\"type\":\"flow.http\"");
	http_facts(t, w);
	json_member(w, "flow", bytes_str(r->name));
	json_member(w, "step", bytes_str(t->v->step->name));
	writer_number(w, ",\"visit\":", r->at.visit, "");
	json_member(w, "outcome", bytes_str(g_flow_outcomes[r->outcome]));
	writer_str(w, ",\"tags\":{");
	http_tags(t->c, w);
	writer_str(w, "},\"variables\":{");
	http_variables(&r->at, w);
	writer_str(w, "},\"data\":{");
	http_data(t->v, w);
	writer_str(w, "}}");
}

/* The id is the same for who asks again: the call, and the verb in it. */
static void http_ask(struct flow_turn_of *t, struct writer *w)
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
	http_body(t, w);
	writer_u8(w, '}');
}

int verb_http(struct flow_turn_of *t)
{
	uint8_t *space = malloc(HTTP_ASK_MAX);
	struct writer w = writer_over(space, HTTP_ASK_MAX);
	uint32_t urls = verb_value(t->v, "fallback")->given ? 2 : 1;
	int outcome = OUTCOME_FAILED;

	if (!space)
		return outcome;
	http_ask(t, &w);
	if (!w.overflow)
		outcome = verb_ask(t, HELP_HTTP, writer_done(&w),
				   urls * verb_number(t->v, "timeout_s") + HTTP_GRACE_MS);
	explicit_bzero(space, HTTP_ASK_MAX);
	free(space);
	return outcome;
}
