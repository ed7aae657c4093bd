/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's contact: a call from a trunk waits, before anybody is rung, until the node has
 * looked its caller's number up (EFFECT_CONTACT), for CONTACT_LOOK_MS at most. Then the name of the
 * contact is the caller's, for phones, events and CDRs, where the caller brought none or the tenant
 * says so; with company and category it is a tag of the call, so flows know it. A blocked contact
 * is refused as a blocked number is. A successor asks again. Emergency calls and callers who
 * withhold the number are not looked up. Who has several numbers outside waits in the same way when
 * he calls there: the line of the contact is the number that he is shown as. */
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/host/settings.h"
#include "sig/model/saved.h"

enum { CONTACT_LOOK_MS = 200, CONTACT_RETRY_S = 5, CONTACT_TAG_VALUE_MAX = 63 };

/* In the order of the lines of an answer. */
static const char *const g_contact_tags[] = { CONTACT_NAME_TAG, CONTACT_COMPANY_TAG,
					      CONTACT_CATEGORY_TAG };

/* ---- it waits ---- */

static bool contact_is_awaited(const struct call *c)
{
	return plan_awaits(&c->plan, AWAITS_CONTACT) && c->state == CALL_SETUP && !c->parting_ns;
}

/* An extension calls somebody outside. */
static bool contact_is_called(const struct call *c)
{
	return !leg_is_trunk(call_caller(c));
}

/* Of one's own book only where an extension was called, or calls. Without memory its time runs. */
static void contact_request(struct call_host *h, struct call *c)
{
	bool called = contact_is_called(c);
	struct bytes user = text_bytes(called ? &call_caller(c)->user : &c->to);

	if (!called && !plan_is_of_user(h, c, user))
		user = (struct bytes){ 0 };
	c->plan.serial = rand_u64_from(h->rand) | 1;
	c->plan.until_ns = h->now.ns + CONTACT_LOOK_MS * NS_PER_MS;
	if (!effects_request(h->effects, EFFECT_CONTACT, c->id, c->plan.serial,
			     EFFECT_TEXTS(bytes_str(call_tenant(h, c)), user,
					  text_bytes(called ? &c->to : &c->from))))
		LOG_WARN("call", c->id, "no memory to look up the caller's contact");
}

static bool caller_line_is_wanted(const struct call_host *h, const struct call *c)
{
	const struct shard_forward *f = h->services->directory->forward(
		h->owner, c->tenant, text_bytes(&call_caller(c)->user));

	return f && f->outside_numbers[0] && !identity_is_chosen(h, c, call_caller(c)) &&
	       !plan_is_of_user(h, c, text_bytes(&c->to));
}

static bool caller_name_is_wanted(const struct call_host *h, const struct call *c)
{
	return tenants_terms(h->settings->tenants, c->tenant)->contact_names != CONTACT_NAMES_OFF &&
	       c->from.n && !bytes_is(text_bytes(&c->from), "anonymous");
}

static bool contact_is_wanted(const struct call_host *h, const struct call *c,
			      const struct call_start *start)
{
	return h->settings->contacts && !c->emergency && !start->gruu.n &&
	       !identity_is_hidden(c, call_caller(c)) &&
	       (contact_is_called(c) ? caller_line_is_wanted(h, c) : caller_name_is_wanted(h, c));
}

/* All others have been asked: it is no code, room or slot. */
static bool contact_begun(struct call_host *h, struct call *c, const struct call_start *start,
			  enum refusal *refused, struct call_refusal *refusal)
{
	if (!contact_is_wanted(h, c, start))
		return false;
	*refused = REFUSED_NOT;
	if (plan_add(&c->plan, text_bytes(&c->to), PLAN_CALLED, PLAN_FIRST)) {
		*refused = call_refuse(refusal, REFUSED_MEMORY);
		return true;
	}
	c->plan.steps[0].awaits = AWAITS_CONTACT;
	c->bridge.callee = LEG_NONE;
	contact_request(h, c);
	outbox_touch(&c->out);
	return true;
}

static void contact_on_resumed(struct call_host *h, struct call *c)
{
	if (contact_is_awaited(c))
		contact_request(h, c);
}

/* ---- what is known ---- */

/* Trunks also send the number as a name. */
static bool name_is_number(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!strchr("+0123456789 ()-./", name.p[i]))
			return false;
	}
	return true;
}

/* Without what a tag cannot have, cut at a whole character. */
static struct bytes contact_tag_value(struct bytes line, char out[CONTACT_TAG_VALUE_MAX])
{
	size_t n = line.n < CONTACT_TAG_VALUE_MAX ? line.n : CONTACT_TAG_VALUE_MAX;

	while (n < line.n && n && (line.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = strchr(";\\\x7f", line.p[i]) || line.p[i] < ' ' ? ' ' : (char)line.p[i];
	return bytes_mem(out, n);
}

static void contact_keep(const struct call_host *h, struct call *c, struct bytes value)
{
	bool always = tenants_terms(h->settings->tenants, c->tenant)->contact_names ==
		      CONTACT_NAMES_ALWAYS;
	char space[CONTACT_TAG_VALUE_MAX];
	struct bytes line, one;

	for (size_t i = 0; i < COUNT_OF(g_contact_tags) && bytes_cut(&value, '\n', &line); i++) {
		one = contact_tag_value(line, space);
		if (one.n && call_data_set(c, bytes_str(g_contact_tags[i]), one))
			LOG_WARN("call", c->id, "no room for what is known of its caller",
				 LOG_STR("tag", g_contact_tags[i]));
		if (i || !one.n || (!always && !name_is_number(text_bytes(&c->display))))
			continue;
		if (call_name_set(c, one))
			LOG_ERROR("call", c->id, "no memory for the name of its caller");
	}
}

/* ---- it goes on ---- */

/* As a call that is refused when it comes. */
static void contact_refuse(struct call_host *h, struct call *c, enum call_cause cause,
			   const struct call_refusal *why)
{
	uint8_t space[512];
	struct writer w = writer_over(space, sizeof(space));
	struct call_ending e = { .cause = cause, .by = ENDED_BY_NODE, .status = why->status };

	session_write_refusal(&w, h, why, CONTACT_RETRY_S);
	e.extra = writer_lines(&w);
	LOG_INFO("call", c->id, "call refused", LOG_U64("status", why->status),
		 LOG_STR("reason", why->text ? why->text : refusals[why->reason].words),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
	txns_refuse_for(h->txns, why->reason);
	call_end(h, c, &e);
}

static void contact_go_on(struct call_host *h, struct call *c)
{
	const struct dialog_party from = { .local_display = text_bytes(&c->display),
					   .local_user = text_bytes(&c->from) };
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };

	if (plan_start(h, c, text_bytes(&c->to), (struct bytes){ 0 }, &from, &refusal)) {
		plan_stop(c);
		contact_refuse(h, c, CAUSE_UNREACHABLE, &refusal);
	}
}

/* Behind the lines of tags. Who may not be shown as that number is shown as ever. */
static void contact_show(const struct call_host *h, struct call *c, struct bytes value)
{
	struct bytes line;

	for (size_t i = 0; i < COUNT_OF(g_contact_tags); i++)
		(void)bytes_cut(&value, '\n', &line);
	if (value.n && identity_may_show(h, c, call_caller(c), value) &&
	    identity_show(h, call_caller(c), value))
		LOG_ERROR("call", c->id, "no memory for the number of its caller");
}

/* Nobody misses a call of a contact that is blocked: its plan has nobody. */
static void contact_settled(struct call_host *h, struct call *c, const struct contact_reply *known)
{
	struct call_refusal refusal;

	plan_stop(c);
	plan_clear(&c->plan);
	outbox_touch(&c->out);
	if (contact_is_called(c)) {
		contact_show(h, c, known->value);
		contact_go_on(h, c);
		return;
	}
	if (known->blocked) {
		(void)call_refuse(&refusal, REFUSED_BLOCKED);
		contact_refuse(h, c, CAUSE_REFUSED, &refusal);
		return;
	}
	contact_keep(h, c, known->value);
	contact_go_on(h, c);
}

static void contact_on_reply(struct call_host *h, struct call *c, const struct reply *reply)
{
	if (contact_is_awaited(c) && reply->contact.serial == c->plan.serial)
		contact_settled(h, c, &reply->contact);
}

static bool contact_overdue(struct call_host *h, struct call *c)
{
	const struct contact_reply nothing = { 0 };

	if (!contact_is_awaited(c))
		return false;
	LOG_INFO("call", c->id, "the caller's contact was not found in time");
	contact_settled(h, c, &nothing);
	return true;
}

static const struct module_reply contact_replies[] = {
	{ ASK_CONTACT, contact_on_reply },
	{ 0 },
};

static const struct module_rank contact_ranks[] = { { HOOK_BEGUN, 100 }, { 0 } };

const struct module contact_module = {
	.ranks = contact_ranks,
	.begun = contact_begun,
	.resumed = contact_on_resumed,
	.overdue = contact_overdue,
	.replied = contact_replies,
};
