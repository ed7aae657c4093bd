/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that operators change while calls are on. The change is told to each node a moment later (docs/adr/0004); a node that does not
 * reach the store then, or is dead, compares when it does. What is checked: a second later all that could hear of it have it.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sig/host/trunk_route.h"
#include "sig/shard/shard_state.h"
#include "tests/sim/sim.h"

enum { TOLD_MS = 300, KNOWN_MS = 1000, STORY_MS = 100 };

static void take(struct node *n, uint32_t extension)
{
	const struct document_changes *all = &n->sim->documents;

	if (n->documents[extension] == all->version[extension])
		return;
	n->documents[extension] = all->version[extension];
	trace_line(n->sim, "node %u: takes the document of extension %u", n->index, extension);
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			document_put_first(n->shards[i].core, n, extension);
	}
}

void document_catch_up(struct node *n)
{
	for (uint32_t i = 0; i < n->sim->phones.extension_count; i++)
		take(n, i);
}

static void helper_on_answer(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);

	if (!n || store_is_away(n))
		return;
	take(n, (uint32_t)e->a);
	node_carry_on(n);
}

/* ---- the check ---- */

static bool is_known(const struct shard *core, const struct node *n, uint32_t extension)
{
	const struct sim *s = n->sim;
	const struct shard_forward *want = &s->phones.forward[extension], *has;
	const struct shard_extension *e;
	char number[16];
	struct bytes name = bytes_str(node_extension(extension, number));

	e = shard_extension_find(core, n->tenant, name);
	if (!e || s->documents.absent[extension])
		return !e && s->documents.absent[extension];
	has = shard_forward_of(core, n->tenant, name);
	return e->enabled == !s->documents.disabled[extension] &&
	       (has ? !memcmp(has, want, sizeof(*has)) : !shard_forward_is_set(want));
}

static void on_known(struct sim *s, const struct event *e)
{
	if (s->documents.version[e->a] != e->b)
		return; /* it changed again */
	for (uint32_t i = 0; i < s->node_count; i++) {
		const struct node *n = &s->nodes[i];

		for (uint32_t k = 0; k < n->shard_count && check_is_settled(n); k++) {
			const struct shard *core = n->shards[k].core;

			if (core && !is_known(core, n, (uint32_t)e->a))
				check_fail(s, "shard %u does not know the document of extension %u",
					   n->shards[k].number, (uint32_t)e->a);
		}
	}
}

/* ---- changes ---- */

bool document_is_unknown(const struct sim *s, uint32_t extension)
{
	const struct document_changes *all = &s->documents;

	return all->absent[extension] ||
	       (all->version[extension] &&
		s->now_ns < all->changed_ns[extension] + KNOWN_MS * NS_PER_MS);
}

void document_changed(struct sim *s, uint32_t extension, const struct node *by)
{
	struct document_changes *all = &s->documents;

	uint64_t before = all->version[extension];

	all->version[extension] = ++all->generation;
	all->changed_ns[extension] = s->now_ns;
	for (uint32_t i = 0; i < s->node_count; i++) {
		uint64_t ms = s->script ? STORY_MS : 1 + rand_below(&s->cluster, TOLD_MS);

		if (&s->nodes[i] != by || s->nodes[i].documents[extension] != before)
			sim_after(s, ms * NS_PER_MS, helper_on_answer, s->nodes[i].incarnation,
				  extension, 0);
		else
			s->nodes[i].documents[extension] = all->version[extension];
	}
	if (!by)
		sim_after(s, KNOWN_MS * NS_PER_MS, on_known, 0, extension, all->version[extension]);
}

bool document_shuts_out(const struct sim *s, uint32_t extension)
{
	const struct document_changes *all = &s->documents;

	return all->absent[extension] || all->disabled[extension] || all->secret[extension];
}

/* A story's nodes trust nobody by address but trunks, and all where names are to be looked up. */
static bool is_trusted(const struct story *t, const struct phone *p)
{
	return t->named || (t->trunks >> p->index & 1);
}

bool document_refuses(const struct sim *s, const struct phone_call *c)
{
	const struct document_changes *all = &s->documents;
	uint32_t i = c->phone->extension;
	bool refused = document_shuts_out(s, i);
	uint64_t since_ns = all->changed_ns[i];

	if (all->closed_ns && !strcmp(c->to, "9200")) {
		refused = true;
		since_ns = all->closed_ns;
	}
	return refused && s->script && !is_trusted(s->script, c->phone) &&
	       c->begin_ns > since_ns + KNOWN_MS * NS_PER_MS;
}

static void routes_close(struct sim *s)
{
	s->documents.closed_ns = s->now_ns;
	for (uint32_t i = 0; i < s->node_count; i++) {
		struct node *n = &s->nodes[i];

		if (n->numbers)
			(void)trunk_route_delete(n->numbers, n->tenant, BYTES_LIT("out"));
	}
}

static const char *change_name(enum document_what what)
{
	static const char *const names[DOCUMENT_WHATS] = {
		"forwarded",
		"not disturbed",
		"disabled",
		"deleted",
		"as before",
		"not to watch",
		"with another password",
		"without a route",
		"of a tenant that is disabled, or is not any more",
		"of a tenant with another profile"
	};

	return names[what];
}

void document_change(struct sim *s, uint32_t extension, enum document_what what)
{
	struct document_changes *all = &s->documents;
	struct shard_forward *f = &s->phones.forward[extension];
	char number[16];

	if (s->store.down) /* the command is refused */
		return;
	switch (what) {
	case DOCUMENT_FORWARDED:
		(void)bytes_cstr(
			bytes_str(f->always[0] ? "" : node_extension((extension + 1) % 2, number)),
			f->always, sizeof(f->always));
		break;
	case DOCUMENT_NOT_DISTURBED:
		f->do_not_disturb = !f->do_not_disturb;
		break;
	case DOCUMENT_DISABLED:
	case DOCUMENT_DELETED:
	case DOCUMENT_BACK:
		all->disabled[extension] = what == DOCUMENT_DISABLED;
		all->absent[extension] = what == DOCUMENT_DELETED;
		break;
	case DOCUMENT_WATCHES_NOT:
		all->watches_not[extension] = true;
		break;
	case DOCUMENT_PASSWORD:
		all->secret[extension] = true;
		break;
	case DOCUMENT_ROUTE:
		routes_close(s);
		break;
	case DOCUMENT_TENANT:
		document_tenant_switch(s);
		break;
	case DOCUMENT_PROFILE:
		document_profile_switch(s);
		break;
	case DOCUMENT_WHATS:
		break;
	}
	trace_line(s, "store: extension %u is %s", extension, change_name(what));
	s->totals.documents++;
	document_changed(s, extension, NULL);
}
