/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of documents "page". Its flow brings the caller of the group into its room, as the only
 * one; then page.ring rings the members. No document of a room can have that number, and the room
 * is locked: no other call gets in. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_flow.h"
#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/page/page.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/flow/program.h"
#include "sig/host/tenant_tables.h"
#include "sig/pbx/page.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

/* Other nodes report within it who of the members has a call there. */
#define PAGE_REPORTS_NS (100 * NS_PER_MS)

enum { TENANT_PAGES_MAX = 64, PAGE_PROGRAM_MAX = 320, PAGE_RATE = 8000 };

static_assert(sizeof(PAGE_WORD) - 1 + PAGE_NAME_MAX <= ROOM_NUMBER_MAX, "the number of its room");
static_assert(sizeof(PAGE_WORD) + PAGE_NAME_MAX <= CALL_FLOW_MAX, "the name of its flow");

/* ---- the group ---- */

static void page_room(char out[ROOM_NUMBER_MAX], const char *name)
{
	(void)snprintf(out, ROOM_NUMBER_MAX, PAGE_WORD "%s", name);
}

/* One speaks at a time: another caller finds it busy. The texts need no escapes. Returns NULL if
 * there is no memory. */
static struct flow_program *page_flow(const void *v)
{
	static struct flow_findings unused;
	const struct page_value *value = v;
	char text[PAGE_PROGRAM_MAX];
	int n = snprintf(text, sizeof(text),
			 "{\"start\":\"page\",\"steps\":{\"page\":{\"conference\":{\"name\":"
			 "\"" PAGE_WORD "%s\",\"moderator\":true,\"max\":1},\"full\":\"busy\","
			 "\"failed\":\"busy\"},\"busy\":{\"reject\":{\"status\":486}}}}",
			 value->name);

	unused = (struct flow_findings){ 0 };
	return n < (int)sizeof(text) ? program_parse(bytes_str(text), NULL, &unused) : NULL;
}

/* Groups with a channel, of all tenants: phones' files are made of them. */
static struct page_group {
	uint16_t tenant;
	char name[PAGE_NAME_MAX];
	uint8_t channel;
} g_groups[ROOM_PAGES_MAX];
static uint32_t g_group_count;

static void page_channel_set(uint16_t tenant, const char *name, uint8_t channel)
{
	struct page_group *g = g_groups, *end = g_groups + g_group_count;

	while (g < end && (g->tenant != tenant || strcmp(g->name, name) != 0))
		g++;
	if (g < end && !channel)
		*g = g_groups[--g_group_count];
	if (!channel || g == g_groups + ROOM_PAGES_MAX)
		return;
	if (g == end)
		g_group_count++;
	*g = (struct page_group){ .tenant = tenant, .channel = channel };
	(void)snprintf(g->name, sizeof(g->name), "%s", name);
}

static void page_channel_label(struct page_channel *out, const struct page_value *v)
{
	bool named = v->first_name[0] || v->last_name[0];

	(void)snprintf(out->label, sizeof(out->label), "%s%s%s", named ? v->first_name : v->name,
		       v->first_name[0] && v->last_name[0] ? " " : "", v->last_name);
}

void page_channels(const struct node *n, uint16_t tenant, struct bytes number,
		   struct page_channel out[PAGE_CHANNELS])
{
	static struct page_value v;

	memset(out, 0, sizeof(out[0]) * PAGE_CHANNELS);
	for (uint32_t i = 0; i < g_group_count; i++) {
		const struct page_group *g = &g_groups[i];
		struct page_channel *c = &out[g->channel - 1];
		struct bytes left, one;

		if (g->tenant != tenant ||
		    !document_stored(n, tenants_name(n->common.tenants, tenant), &g_page_documents,
				     bytes_str(g->name), &v))
			continue;
		page_channel_label(c, &v);
		left = bytes_str(v.members);
		while (!c->heard && bytes_cut(&left, ',', &one))
			c->heard = bytes_eq(bytes_trim(one), number);
	}
}

/* All who hear that channel hear both. */
static void page_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	const struct page_value *v = value;

	(void)node;
	for (uint32_t i = 0; i < g_group_count && v->channel; i++) {
		const struct page_group *g = &g_groups[i];

		if (g->tenant == tenant && g->channel == v->channel &&
		    strcmp(g->name, v->name) != 0)
			(void)json_array_append_new(out, json_sprintf("channel: %s has it, too",
								      g->name));
	}
}

static int page_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct page_value *v = value;
	struct room_terms room = { .tenant = tenant,
				   .max_members = PAGE_MEMBERS_MAX + 1,
				   .talkers = 1,
				   .rate = PAGE_RATE,
				   .locked = true,
				   .muted = true,
				   .ends_with_host = true };
	int err = command_flow_kind_apply(node, tenant, &g_page_documents, v->name, v);

	page_channel_set(tenant, v->name, v->channel);
	page_room(room.number, v->name);
	(void)snprintf(room.name, sizeof(room.name), "%s", v->name);
	return err ? err : rooms_put(node->common.rooms, &room);
}

static void page_forget(struct node *node, uint16_t tenant, const char *name)
{
	char number[ROOM_NUMBER_MAX];

	page_channel_set(tenant, name, 0);
	command_flow_kind_forget(node, tenant, &g_page_documents, name);
	page_room(number, name);
	rooms_delete(node->common.rooms, tenant, bytes_str(number));
}

const struct document_kind g_page_documents = {
	.rank = 1,
	.name = "page",
	.argument = "name",
	.several = "paging groups",
	.word = PAGE_WORD,
	.flow = page_flow,
	.places = ROOM_PAGES_MAX,
	.share = TENANT_PAGES_MAX,
	.size = sizeof(struct page_value),
	.form = &g_page_form,
	.apply = page_apply,
	.forget = page_forget,
	.warn = page_warn,
};

/* ---- a page begins ---- */

/* Whether the phone of a member is to ring for a page of that priority. */
static bool page_may_ring(const struct node *n, uint16_t tenant, struct bytes number,
			  enum page_priority priority)
{
	struct extension e = { 0 };
	bool known = extensions_find(n->api.extensions, tenant, number, &e);
	bool rests = e.forward.do_not_disturb;

	extension_wipe(&e);
	if (!known || priority == PAGE_EMERGENCY)
		return known;
	return !rests && (priority == PAGE_PRIORITY ||
			  !shard_user_is_busy(n->common.shared_tables->shards, tenant, number));
}

static bool page_ring_one(struct command_run *run, const struct room_view *room, const char *to)
{
	struct shard_conference_request o = { .room = room->room,
					      .to = to,
					      .inviter = room->host,
					      .muted = true,
					      .auto_answer = true,
					      .once = true };
	char text[COMMAND_ID_MAX + DIAL_NUMBER_MAX + 1];
	enum refusal refused;

	(void)snprintf(text, sizeof(text), "%s %s", run->id, to);
	o.rung = id_call_derive(id_shard(o.room), bytes_str(text));
	refused = shard_conference_ring(node_core(run->node, o.room), &o, clock_instant());
	if (refused && refused != REFUSED_RINGS_ALREADY)
		LOG_INFO("page", o.room, "a member of a paging group is not rung",
			 LOG_STR("to", to), LOG_STR("reason", refusals[refused].name));
	return !refused;
}

static bool page_asks(const struct node *n, const struct page_value *v)
{
	return v->priority == PAGE_NORMAL && command_ask_has_others(n);
}

/* Requests the registrations of all members that this node does not know, and asks other nodes for
 * calls that keep a member from being rung. */
static void page_look_up(struct node *n, const char *name, const struct page_value *v)
{
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(name));
	struct locations *l = n->common.locations;
	struct bytes left = bytes_str(v->members), one;

	locations_set_now(l, clock_instant());
	while (bytes_cut(&left, ',', &one)) {
		one = bytes_trim(one);
		if (extensions_has(n->api.extensions, tenant, one) &&
		    !locations_know(l, tenant, one)) /* 0: no run waits for it */
			(void)locations_request(l, tenant, one, n->common.looks, 0);
		if (page_asks(n, v))
			remote_watch_query(n->common.shared_tables->remote, bytes_str(name), one);
	}
}

/* Each of them is awaited once, then the command runs again: what is known of the first one may
 * count no more when the last one is. */
static bool page_awaits_users(struct command_run *run, const char *tenant,
			      const struct page_value *v)
{
	struct bytes left = bytes_str(v->members), one;
	uint16_t *awaited = run->kept, at = 0;

	if (!awaited) {
		page_look_up(run->node, tenant, v);
		run->kept = awaited = calloc(1, sizeof(*awaited));
		if (awaited && page_asks(run->node, v) && command_run_again(run, PAGE_REPORTS_NS))
			return true;
	}
	while (awaited && bytes_cut(&left, ',', &one)) {
		if (at++ < *awaited)
			continue;
		*awaited = at;
		if (command_awaits_user(run, tenant, bytes_trim(one)))
			return true;
	}
	return false;
}

static uint32_t page_ring_all(struct command_run *run, const struct room_view *room,
			      const struct page_value *v)
{
	uint16_t tenant = tenants_find(run->node->common.tenants, bytes_str(room->tenant));
	struct bytes left = bytes_str(v->members), one;
	uint32_t rung = 0;

	while (bytes_cut(&left, ',', &one)) {
		char to[DIAL_NUMBER_MAX];

		if (!bytes_cstr(bytes_trim(one), to, sizeof(to)) &&
		    page_may_ring(run->node, tenant, bytes_str(to),
				  (enum page_priority)v->priority))
			rung += page_ring_one(run, room, to);
	}
	return rung;
}

void page_ring(struct command_run *run)
{
	static struct page_value v;
	struct room_view room;
	uint64_t id;

	if (id_call_get(command_value(run, "conference")->text, &id) ||
	    !shard_conference_view(node_core(run->node, id), id, &room) ||
	    !command_may_see(run, room.tenant) ||
	    !bytes_starts(bytes_str(room.number), PAGE_WORD) || !room.host) {
		command_fail(run, COMMAND_NOT_FOUND, "conference",
			     "there is no such page: conference.list shows all of them");
		return;
	}
	if (!document_stored(run->node, room.tenant, &g_page_documents,
			     bytes_from(bytes_str(room.number), sizeof(PAGE_WORD) - 1), &v)) {
		command_fail(run, COMMAND_NOT_FOUND, "conference",
			     "its paging group is deleted: page.list shows all of them");
		return;
	}
	if (page_awaits_users(run, room.tenant, &v))
		return;
	command_answer(run, json_pack("{s:I}", "rung", (json_int_t)page_ring_all(run, &room, &v)));
}
