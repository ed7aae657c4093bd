/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the hooks of a call's modules (module.h), each over the list of modules that have it. For
 * hooks that ask whether a module takes an event, the first to take it ends the walk; for the
 * others all modules are called in order. The core of a call uses these functions alone, and names
 * no module. */

#include "sig/call/module.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the lists ---- */

static bool module_has(const struct module *m, enum module_hook hook)
{
	switch (hook) {
#define X(id, name)     \
	case HOOK_##id: \
		return m->name;
		MODULE_HOOKS(X)
#undef X
	case MODULE_HOOK_COUNT:
		break;
	}
	return false;
}

static const struct module **module_list(struct module_lists *lists, enum module_hook hook)
{
	switch (hook) {
#define X(id, name)     \
	case HOOK_##id: \
		return lists->name;
		MODULE_HOOKS(X)
#undef X
	case MODULE_HOOK_COUNT:
		break;
	}
	return NULL;
}

static int module_rank(const struct module *m, enum module_hook hook)
{
	for (const struct module_rank *r = m->ranks; r && r->rank; r++) {
		if (r->hook == hook)
			return r->rank;
	}
	return 0;
}

static void module_insert(const struct module **list, const struct module *m, enum module_hook hook)
{
	size_t at = 0;

	while (list[at])
		at++;
	assert(at < MODULES_MAX);
	for (; at > 0 && module_rank(list[at - 1], hook) > module_rank(m, hook); at--)
		list[at] = list[at - 1];
	list[at] = m;
}

struct module_lists *module_lists_create(const struct feature *features)
{
	struct module_lists *lists = calloc(1, sizeof(*lists));

	for (const struct feature *f = features; lists && f->name; f++) {
		for (int hook = 0; f->call && hook < MODULE_HOOK_COUNT; hook++) {
			if (module_has(f->call, (enum module_hook)hook))
				module_insert(module_list(lists, (enum module_hook)hook), f->call,
					      (enum module_hook)hook);
		}
	}
	return lists;
}

void module_lists_free(struct module_lists *lists)
{
	free(lists);
}

/* ---- what they are asked ---- */

/* The modules of a hook, in their order. */
#define EACH_MODULE(m, h, hook) for (const struct module *const *m = (h)->modules->hook; *m; m++)

void modules_on_event(struct call_host *h, struct call *c, const struct call_event *ev)
{
	EACH_MODULE(m, h, events)
	{
		for (const struct module_event *e = (*m)->events; e->on; e++) {
			if (e->kind == ev->kind)
				e->on(h, c, ev);
		}
	}
}

void modules_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	EACH_MODULE(m, h, replied)
	{
		for (const struct module_reply *r = (*m)->replied; r->on; r++) {
			if (r->ask == reply->ask)
				r->on(h, c, reply);
		}
	}
}

bool modules_begun(struct call_host *h, struct call *c, const struct call_start *start,
		   enum refusal *refused, struct call_refusal *refusal)
{
	EACH_MODULE(m, h, begun)
	{
		if ((*m)->begun(h, c, start, refused, refusal))
			return true;
	}
	return false;
}

bool modules_request(struct call_host *h, struct call *c, const struct call_event *ev)
{
	EACH_MODULE(m, h, request)
	{
		if ((*m)->request(h, c, ev))
			return true;
	}
	return false;
}

bool modules_repeated(struct call_host *h, struct call *c, const struct call_event *ev)
{
	EACH_MODULE(m, h, repeated)
	{
		if ((*m)->repeated(h, c, ev))
			return true;
	}
	return false;
}

void modules_response(struct call_host *h, struct call *c, const struct call_event *ev)
{
	EACH_MODULE(m, h, response)
	(*m)->response(h, c, ev);
}

void modules_saved(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, saved)
	(*m)->saved(h, c);
}

bool modules_overdue(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, overdue)
	{
		if ((*m)->overdue(h, c))
			return true;
	}
	return false;
}

void modules_settle(struct call_host *h, struct call *c)
{
	bool late = c->modules_ns <= h->now.ns;

	EACH_MODULE(m, h, settle)
	{
		if (late && (*m)->deadlines)
			deadlines_handle((*m)->deadlines, h, c);
		(*m)->settle(h, c);
	}
	for (const struct module *const *m = h->modules->deadlines; late && *m; m++) {
		if (!(*m)->settle)
			deadlines_handle((*m)->deadlines, h, c);
	}
}

void modules_follow(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, follow)
	(*m)->follow(h, c);
}

struct leg_taps modules_tap(const struct call_host *h, const struct call *c, uint8_t leg)
{
	struct leg_taps taps = { 0 };

	EACH_MODULE(m, h, tap)
	(*m)->tap(c, leg, &taps);
	return taps;
}

struct media_overlay modules_overlay(const struct call_host *h, const struct call *c,
				     const struct call_flow *f)
{
	struct media_overlay o = { 0 };

	EACH_MODULE(m, h, overlay)
	{
		if ((*m)->overlay(h, c, f, &o))
			break;
	}
	return o;
}

uint64_t modules_next(const struct call_host *h, struct call *c, uint64_t next)
{
	c->modules_ns = UINT64_MAX;
	EACH_MODULE(m, h, deadlines)
	for (const struct deadline *d = (*m)->deadlines; d->at; d++) {
		uint64_t ns = deadline_is_by(d, c, UINT64_MAX) ? *deadline_field(d, c) : UINT64_MAX;

		if (ns < c->modules_ns)
			c->modules_ns = ns;
		if (ns < next && (!d->on || d->on(c)))
			next = ns;
	}
	EACH_MODULE(m, h, next)
	next = (*m)->next(c, next);
	return next;
}

void modules_resumed(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, resumed)
	(*m)->resumed(h, c);
}

void modules_dialog(struct call_host *h, struct call *c, const struct call_event *ev)
{
	EACH_MODULE(m, h, dialog)
	(*m)->dialog(h, c, ev);
}

void modules_answering(struct call_host *h, struct call *c, uint8_t leg)
{
	EACH_MODULE(m, h, answering)
	(*m)->answering(h, c, leg);
}

uint32_t modules_screen_ms(const struct call_host *h, const struct call *c, uint8_t leg)
{
	uint32_t ms = 0;

	EACH_MODULE(m, h, screened)
	ms = ms ? ms : (*m)->screen_ms(c, leg);
	return ms;
}

bool modules_screened(struct call_host *h, struct call *c, uint8_t leg, char key)
{
	EACH_MODULE(m, h, screened)
	{
		if ((*m)->screened(h, c, leg, key))
			return true;
	}
	return false;
}

void modules_answered(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, answered)
	(*m)->answered(h, c);
}

void modules_established(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, established)
	(*m)->established(h, c);
}

bool modules_unanswered(struct call_host *h, struct call *c, const struct call_ending *e)
{
	EACH_MODULE(m, h, unanswered)
	{
		if ((*m)->unanswered(h, c, e))
			return true;
	}
	return false;
}

void modules_leg_left(struct call_host *h, struct call *c, uint8_t leg)
{
	EACH_MODULE(m, h, leg_left)
	(*m)->leg_left(c, leg);
}

bool modules_parted(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e)
{
	EACH_MODULE(m, h, parted)
	{
		if ((*m)->parted(h, c, leg, e))
			return true;
	}
	return false;
}

uint8_t modules_message_start(struct call_host *h, struct call *c, uint8_t leg,
			      struct bytes mailbox)
{
	uint8_t number = 0;

	for (const struct module *const *m = h->modules->message_start; *m && !number; m++)
		number = (*m)->message_start(h, c, leg, mailbox);
	return number;
}

void modules_message_end(struct call_host *h, struct call *c, uint8_t number)
{
	EACH_MODULE(m, h, message_end)
	(*m)->message_end(h, c, number);
}

void modules_prompted(struct call_host *h, struct call *c, const struct prompt_result *result)
{
	EACH_MODULE(m, h, prompted)
	(*m)->prompted(h, c, result);
}

bool modules_tagged(struct call_host *h, struct call *c, struct bytes name, struct bytes value,
		    bool *taken)
{
	EACH_MODULE(m, h, tagged)
	{
		if ((*m)->tagged(h, c, name, value, taken))
			return true;
	}
	return false;
}

enum refusal modules_outside(struct call_host *h, struct call *c, struct leg *l,
			     struct call_refusal *refusal)
{
	enum refusal refused = REFUSED_NOT;

	for (const struct module *const *m = h->modules->outside; *m && !refused; m++)
		refused = (*m)->outside(h, c, l, refusal);
	return refused;
}

void modules_ended(const struct call_host *h, const struct call *c, struct request_call_end *end)
{
	EACH_MODULE(m, h, ended)
	(*m)->ended(h, c, end);
}

enum refusal modules_admit(const struct call_host *h, const struct call *c,
			   const struct plan_target *at, enum plan_why *why,
			   struct call_refusal *refusal)
{
	enum refusal refused = REFUSED_NOT;

	for (const struct module *const *m = h->modules->admit; *m && !refused; m++)
		refused = (*m)->admit(h, c, at, why, refusal);
	return refused;
}

bool modules_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
		     enum refusal *refused, struct call_refusal *refusal)
{
	EACH_MODULE(m, h, dialled)
	{
		if ((*m)->dialled(h, c, at, refused, refusal))
			return true;
	}
	return false;
}

bool modules_answers(const struct call_host *h, const struct call *c, struct bytes user,
		     struct bytes number)
{
	EACH_MODULE(m, h, answers)
	{
		if ((*m)->answers(h, c, user, number))
			return true;
	}
	return false;
}

void modules_over(struct call_host *h, struct call *c)
{
	EACH_MODULE(m, h, over)
	(*m)->over(h, c);
}

void modules_headers(struct writer *w, const struct call_host *h, const struct call *c, uint8_t leg)
{
	EACH_MODULE(m, h, headers)
	(*m)->headers(w, h, c, leg);
}

enum refusal modules_withheld(const struct call_host *h, const struct call *c,
			      struct bytes extension, struct bytes number)
{
	enum refusal refused = REFUSED_NOT;

	for (const struct module *const *m = h->modules->withheld; *m && !refused; m++)
		refused = (*m)->withheld(h, c, extension, number);
	return refused;
}

bool modules_record_terms(const struct call_host *h, const struct call *c, uint8_t leg,
			  struct recording_terms *terms)
{
	EACH_MODULE(m, h, record_terms)
	if ((*m)->record_terms(h, c, leg, terms))
		return true;
	return false;
}

void modules_released(struct call_host *h, const struct call *c)
{
	EACH_MODULE(m, h, released)
	(*m)->released(h, c);
}

struct bytes modules_reached_at(const struct call_host *h, const struct call *c, struct bytes user)
{
	struct bytes number = { 0 };

	EACH_MODULE(m, h, reached_at)
	{
		number = (*m)->reached_at(h, c, user);
		if (number.n)
			break;
	}
	return number;
}
