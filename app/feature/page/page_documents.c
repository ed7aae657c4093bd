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
#include "sig/feature/page/page_yield.h"
#include "sig/flow/program.h"
#include "sig/host/tenant_tables.h"
#include "sig/pbx/page.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

/* Other nodes report within it who of the members has a call there. */
#define PAGE_REPORTS_NS (100 * NS_PER_MS)

enum { TENANT_PAGES_MAX = 64, PAGE_PROGRAM_MAX = 448, PAGE_RATE = 8000, PAGE_RATE_WIDE = 16000 };

static_assert(sizeof(PAGE_WORD) - 1 + PAGE_NAME_MAX <= ROOM_NUMBER_MAX, "the number of its room");
static_assert(sizeof(PAGE_WORD) + PAGE_NAME_MAX <= CALL_FLOW_MAX, "the name of its flow");

/* ---- the group ---- */

void page_room(char out[ROOM_NUMBER_MAX], const char *name)
{
	(void)snprintf(out, ROOM_NUMBER_MAX, PAGE_WORD "%s", name);
}

/* In the room of the group. */
#define PAGE_STEPS(more)                                                                      \
	"\"page\":{\"conference\":{\"name\":\"" PAGE_WORD "%s\"," more "\"moderator\":true,"  \
	"\"max\":1},\"full\":\"busy\",\"failed\":\"busy\"},\"busy\":{\"reject\":{\"status\":" \
	"486}}}}"

/* One speaks at a time: another caller finds it busy. Where the message is recorded first, its
 * caller is in the room while it is played, and may leave. The texts need no escapes. Returns NULL
 * if there is no memory. */
static struct flow_program *page_flow(const void *v)
{
	static struct flow_findings unused;
	const struct page_value *value = v;
	char text[PAGE_PROGRAM_MAX];
	int n = snprintf(text, sizeof(text),
			 value->type == PAGE_RECORDED
				 ? "{\"start\":\"say\",\"steps\":{\"say\":{\"record\":{\"into\":"
				   "\"" PAGE_RECORDING "\"},\"next\":\"page\",\"timeout\":\"end\","
				   "\"failed\":\"end\"},\"end\":{\"hangup\":{}}," PAGE_STEPS(
					   "\"muted\":true,")
				 : "{\"start\":\"page\",\"steps\":{" PAGE_STEPS(""),
			 value->name);

	unused = (struct flow_findings){ 0 };
	return n < (int)sizeof(text) ? program_parse(bytes_str(text), NULL, &unused) : NULL;
}

void page_label(char out[2 * PAGE_PERSON_MAX], const struct page_value *v)
{
	bool named = v->first_name[0] || v->last_name[0];

	(void)snprintf(out, 2 * (size_t)PAGE_PERSON_MAX, "%s%s%s", named ? v->first_name : v->name,
		       v->first_name[0] && v->last_name[0] ? " " : "", v->last_name);
}

static bool page_check(struct command_run *run, const void *value)
{
	const char *field,
		*wrong = page_multicast_wrong(run->node, document_tenant(run), value, &field);

	if (wrong)
		command_fail(run, COMMAND_CONFLICT, field, "%s", wrong);
	return !wrong;
}

static json_t *page_show(const struct node *node, uint16_t tenant, const void *value)
{
	json_t *view = form_view(&g_page_form, value);

	(void)node;
	(void)json_object_set_new(view, "multicast_state",
				  json_string(page_multicast_state(tenant, value)));
	return view;
}

/* Channels 24 and 25 are of priority and of emergencies at all phones that have them. */
enum page_priority page_priority_of(const struct page_value *v)
{
	enum page_priority p = (enum page_priority)v->priority;

	if (v->channel == PAGE_CHANNEL_EMERGENCY)
		return PAGE_EMERGENCY;
	return v->channel == PAGE_CHANNEL_PRIORITY && p == PAGE_NORMAL ? PAGE_PRIORITY : p;
}

/* Of a room's terms: 0 is no page. */
static uint8_t page_rank(const struct page_value *v)
{
	return (uint8_t)(page_priority_of(v) + 1);
}

static int page_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct page_value *v = value;
	struct room_terms room = { .tenant = tenant,
				   .max_members = PAGE_MEMBERS_MAX + 1,
				   .talkers = 1,
				   .rate = v->multicast_codec ? PAGE_RATE_WIDE : PAGE_RATE,
				   .locked = true,
				   .muted = true,
				   .ends_with_host = v->type == PAGE_LIVE,
				   .page = page_rank(v) };
	int err = command_flow_kind_apply(node, tenant, &g_page_documents, v->name, v);

	page_multicast_apply(node, tenant, v);
	page_room(room.number, v->name);
	(void)snprintf(room.name, sizeof(room.name), "%s", v->name);
	return err ? err : rooms_put(node->common.rooms, &room);
}

static void page_forget(struct node *node, uint16_t tenant, const char *name)
{
	char number[ROOM_NUMBER_MAX];

	page_multicast_forget(tenant, name);
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
	.check = page_check,
	.show = page_show,
	.warn = page_multicast_warn,
};

/* ---- a page begins ---- */

/* He hears a page already: a normal one yields to any, and all others to one of more priority. */
static bool page_is_behind(const struct node *n, uint16_t tenant, struct bytes number,
			   enum page_priority priority)
{
	uint8_t heard = page_user_rank(n->common.shared_tables, tenant, number);

	return heard > (priority == PAGE_NORMAL ? 0 : priority + 1);
}

/* Whether the phone of a member is to ring for a page of the group. */
static bool page_may_ring(const struct node *n, uint16_t tenant, struct bytes number,
			  const struct page_value *v)
{
	const struct page_choice_value *choice = page_choice_find(tenant, number);
	enum page_priority priority = page_priority_of(v);
	struct extension e = { 0 };
	bool known = extensions_find(n->api.extensions, tenant, number, &e);
	bool rests = e.forward.do_not_disturb;

	extension_wipe(&e);
	if (!known || priority == PAGE_EMERGENCY)
		return known;
	return !rests && page_is_wanted(choice, v) &&
	       !page_is_behind(n, tenant, number, priority) &&
	       (priority == PAGE_PRIORITY || (choice && choice->in_calls) ||
		!shard_user_is_busy(n->common.shared_tables->shards, tenant, number));
}

static bool page_ring_one(struct node *n, const char *key, const char *to,
			  struct shard_conference_request *o)
{
	uint16_t shard = o->room ? id_shard(o->room) : node_shard_of_command(n, bytes_str(key));
	char text[COMMAND_ID_MAX + DIAL_NUMBER_MAX + 1];
	enum refusal refused;

	(void)snprintf(text, sizeof(text), "%s %s", key, to);
	o->to = to;
	o->muted = o->auto_answer = o->once = true;
	o->rung = id_call_derive(shard, bytes_str(text));
	refused = shard_conference_ring(node_core(n, o->rung), o, clock_instant());
	if (refused && refused != REFUSED_RINGS_ALREADY)
		LOG_INFO("page", o->room, "a member of a paging group is not rung",
			 LOG_STR("to", to), LOG_STR("reason", refusals[refused].name));
	return !refused;
}

static bool page_asks(const struct node *n, const struct page_value *v)
{
	return page_priority_of(v) == PAGE_NORMAL && command_ask_has_others(n);
}

void page_look_up(struct node *n, const char *name, const struct page_value *v)
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
bool page_awaits_users(struct command_run *run, const char *tenant, const struct page_value *v)
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

/* ---- pages of less priority ---- */

static void page_claim(const struct node *n, uint16_t tenant, const struct page_value *v)
{
	const struct page_claim claim = {
		.tenant = bytes_str(tenants_name(n->common.tenants, tenant)),
		.members = bytes_str(v->members),
		.rank = page_rank(v),
	};

	if (page_priority_of(v) != PAGE_NORMAL)
		page_yield(n->common.shared_tables, &claim, clock_instant());
}

void page_claims(const struct node *n)
{
	static struct page_value v;
	uint32_t cursor = 0;
	struct room_view room;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)) != NULL) {
		uint32_t at = 0;

		while (shard_conference_next(core, &at, &room)) {
			struct bytes number = bytes_str(room.number);

			if (bytes_starts(number, PAGE_WORD) &&
			    document_stored(n, room.tenant, &g_page_documents,
					    bytes_from(number, sizeof(PAGE_WORD) - 1), &v))
				page_claim(n,
					   tenants_find(n->common.tenants, bytes_str(room.tenant)),
					   &v);
		}
	}
}

uint32_t page_ring_members(struct node *n, uint16_t tenant, const struct page_value *v,
			   const char *key, struct shard_conference_request *o)
{
	struct bytes left = bytes_str(v->members), one;
	uint32_t rung = 0;

	page_claim(n, tenant, v);
	while (bytes_cut(&left, ',', &one)) {
		char to[DIAL_NUMBER_MAX];

		if (!bytes_cstr(bytes_trim(one), to, sizeof(to)) &&
		    page_may_ring(n, tenant, bytes_str(to), v))
			rung += page_ring_one(n, key, to, o);
	}
	return rung;
}

void page_cast(const struct node *n, uint64_t room, uint16_t tenant, const char *name)
{
	char endpoint[ROOM_NUMBER_MAX];
	const struct shard_room_order order = { .act = SHARD_ROOM_STREAM, .endpoint = endpoint };
	enum refusal refused = REFUSED_NOT;

	page_room(endpoint, name);
	if (page_multicast_has(tenant, name))
		refused = shard_conference_order(node_core(n, room), room, &order, clock_instant());
	if (refused)
		LOG_WARN("page", room, "a page is not sent to its multicast addresses",
			 LOG_STR("group", name), LOG_STR("reason", refusals[refused].name));
}

void page_ring(struct command_run *run)
{
	static struct page_value v;
	struct shard_conference_request ring;
	struct room_view room;
	uint16_t tenant;
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
	tenant = tenants_find(run->node->common.tenants, bytes_str(room.tenant));
	page_cast(run->node, room.room, tenant, v.name);
	if (page_awaits_users(run, room.tenant, &v))
		return;
	ring = (struct shard_conference_request){ .room = room.room, .inviter = room.host };
	command_answer(run, json_pack("{s:I}", "rung",
				      (json_int_t)page_ring_members(run->node, tenant, &v, run->id,
								    &ring)));
}
