/* SPDX-License-Identifier: Apache-2.0 */
/* Feature codes: a phone changes its own extension, by the command extension.put in its name. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "base/log.h"
#include "sig/model/plan.h"
#include "sig/sip/id.h"

struct feature_run {
	struct node *node;
	uint64_t call;
	struct set_news news;
	char tenant[TENANT_NAME_MAX];
	char number[sizeof(((struct shard_extension *)NULL)->number)];
	enum feature feature;
};

static void feature_end(struct feature_run *run, enum set_state state, const char *reason)
{
	struct answer a = { .kind = ANSWER_SET, .call = run->call, .set = run->news };

	a.set.state = state;
	if (state == SET_DONE)
		LOG_INFO("feature", run->call, "an extension was changed by its phone",
			 LOG_STR("number", run->number),
			 LOG_STR("feature", feature_key(run->feature)));
	else
		LOG_WARN("feature", run->call, "an extension was not changed by its phone",
			 LOG_STR("number", run->number),
			 LOG_STR("feature", feature_key(run->feature)), LOG_STR("reason", reason));
	answers_add(&run->node->answers, &a);
	free(run);
}

/* What Redis did not take may be taken another time. */
static bool is_failure(const char *code)
{
	static const enum command_error_code failures[] = { COMMAND_BUSY, COMMAND_UNAVAILABLE,
							    COMMAND_UNCERTAIN, COMMAND_INTERNAL };

	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		if (!strcmp(code, command_error_name(failures[i])))
			return true;
	}
	return false;
}

static void feature_on_done(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		feature_end(arg, SET_DONE, "");
	else
		feature_end(arg, code && !is_failure(code) ? SET_REFUSED : SET_FAILED,
			    code ? code : "out of memory");
	json_decref(answer);
}

/* Those to whom a call may be sent on. */
struct feature_reach {
	uint32_t n;
	char numbers[PLAN_STEPS_MAX][FORWARD_TARGET_MAX];
};

/* Once each; one that is too long is no target of anybody. */
static void feature_reach_add(struct feature_reach *r, struct bytes number)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (bytes_is(number, r->numbers[i]))
			return;
	}
	if (r->n < COUNT_OF(r->numbers) && number.n &&
	    !bytes_cstr(number, r->numbers[r->n], FORWARD_TARGET_MAX))
		r->n++;
}

static void feature_reach_on(struct feature_reach *r, const struct extensions *x, uint16_t tenant,
			     const char *number)
{
	struct extension e = { 0 };
	struct bytes all, next;

	(void)extensions_find(x, tenant, bytes_str(number), &e);
	all = bytes_str(e.forward.always);
	while (bytes_cut(&all, ',', &next))
		feature_reach_add(r, next);
	extension_wipe(&e);
}

/* Whoever is called there is sent on until it is the extension again. */
static bool comes_back(const struct extensions *x, uint16_t tenant, const char *number,
		       struct bytes target)
{
	struct feature_reach r = { 0 };

	feature_reach_add(&r, target);
	for (uint32_t i = 0; i < r.n; i++) {
		if (!strcmp(r.numbers[i], number))
			return true;
		feature_reach_on(&r, x, tenant, r.numbers[i]);
	}
	return false;
}

static bool feature_may_be_called(const struct extensions *x, uint16_t tenant, struct bytes number)
{
	struct extension e = { 0 };
	bool may = extensions_find(x, tenant, number, &e) && e.core.enabled;

	extension_wipe(&e);
	return may;
}

/* NULL: calls may go there. */
static const char *target_wrong(const struct feature_run *run, uint16_t tenant, struct bytes target)
{
	const struct extensions *x = &run->node->extensions;

	if (!feature_may_be_called(x, tenant, target))
		return "no such extension";
	return comes_back(x, tenant, run->number, target) ? "its calls come back" : NULL;
}

static json_t *feature_value_json(enum feature feature, struct bytes number)
{
	switch (feature_value(feature)) {
	case FEATURE_NUMBER:
		return json_stringn((const char *)number.p, number.n);
	case FEATURE_NOTHING:
		return json_string("");
	case FEATURE_TRUE:
		return json_true();
	case FEATURE_FALSE:
		return json_false();
	case FEATURE_SLOT: /* of no document */
	case FEATURE_MAYBE:
		break;
	}
	return NULL;
}

static void feature_put(struct feature_run *run, struct bytes number)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN };
	json_t *args = json_pack("{s:s, s:o}", "number", run->number, feature_field(run->feature),
				 feature_value_json(run->feature, number));
	char id[COMMAND_ID_MAX];

	if (!args) {
		feature_end(run, SET_FAILED, "out of memory");
		return;
	}
	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", run->tenant);
	(void)snprintf(id, sizeof(id), "feature %" PRIx64, run->call);
	command_start(run->node, &who, BYTES_LIT("extension.put"), bytes_str(id), args,
		      feature_on_done, run);
	json_decref(args);
}

void command_feature(const struct effect *e, void *arg)
{
	struct feature_run *run = calloc(1, sizeof(*run));
	struct bytes number = text_bytes(&e->data);
	const char *wrong = NULL;
	uint16_t tenant;

	if (!run) {
		LOG_ERROR("feature", e->call, "out of memory"); /* the call has a time */
		return;
	}
	*run = (struct feature_run){ .node = arg,
				     .call = e->call,
				     .news = { .serial = e->version },
				     .feature = (enum feature)e->expected };
	if (bytes_cstr(text_bytes(&e->user), run->number, sizeof(run->number)) ||
	    bytes_cstr(text_bytes(&e->tenant), run->tenant, sizeof(run->tenant)))
		wrong = "no such extension";
	tenant = tenants_find(run->node->tenants, bytes_str(run->tenant));
	if (tenant == TENANT_NONE) /* deleted meanwhile: its calls go on */
		wrong = "no such tenant";
	else if (!wrong && feature_value(run->feature) == FEATURE_NUMBER)
		wrong = target_wrong(run, tenant, number);
	if (wrong)
		feature_end(run, SET_REFUSED, wrong);
	else
		feature_put(run, number);
}
