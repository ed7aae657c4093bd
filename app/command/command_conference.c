/* SPDX-License-Identifier: Apache-2.0 */
/* The commands conference.* and the documents of rooms (CONF-01). A command is an order to the
 * shard that has the conference, and is answered when its effect is saved. A call of another shard
 * or node joins by a struct shard_join. The id of a new conference follows from the command's id,
 * so that a command repeated after a crash finds its conference. */

#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_extension.h"
#include "app/command/command_flow.h"
#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/command_trunk.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/schema/room_field.h"
#include "app/schema/tenant_field.h"
#include "base/log.h"
#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "sig/room/room.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

/* ---- what is named ---- */

static bool conference_view_of(const struct node *n, uint64_t room, struct room_view *view)
{
	return shard_conference_view(node_core(n, room), room, view);
}

/* A conference of another tenant counts as not found. */
static bool conference_id(struct command_run *run, uint64_t *room)
{
	struct room_view view;

	if (id_call_get(command_value(run, "conference")->text, room)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "conference",
			     "conference must be an id as conference.list shows it");
		return false;
	}
	if (conference_view_of(run->node, *room, &view) && command_may_see(run, view.tenant))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "conference",
		     "there is no such conference: conference.list shows all of them");
	return false;
}

/* ... of another one than it is about. What is on another node is not looked at. */
static bool other_call(struct command_run *run, const char *name, uint64_t *call)
{
	const struct command_value *value = command_value(run, name);
	uint16_t tenant;

	*call = 0;
	if (!value->given)
		return true;
	if (id_call_get(value->text, call)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, name,
			     "%s must be an id as call.list shows it", name);
		return false;
	}
	if (!node_shard_find(run->node, id_shard(*call)))
		return true;
	if (shard_call_tenant(node_core(run->node, *call), *call, &tenant) &&
	    command_may_see(run, tenants_name(run->node->common.tenants, tenant)))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, name, "there is no call " BYTES_FMT,
		     BYTES_ARG(value->text));
	return false;
}

static uint16_t in_name_of(const struct command_run *run)
{
	const struct command_value *by = command_value(run, "by");

	return by->given ? (uint16_t)by->number : 0;
}

/* ---- who comes ---- */

static void conference_number_read(const struct command_run *run, const char *name, char out[64])
{
	(void)bytes_cstr(command_value(run, name)->text, out, 64);
}

static bool one_of_three(struct command_run *run)
{
	if (command_value(run, "with")->given + command_value(run, "to")->given +
		    command_value(run, "endpoint")->given ==
	    1)
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "with", "give either with, to or endpoint");
	return false;
}

/* False: the run has failed. */
static bool conference_endpoint_read(struct command_run *run, char out[ROOM_STREAM_MAX])
{
	(void)bytes_cstr(command_value(run, "endpoint")->text, out, ROOM_STREAM_MAX);
	if (!out[0] || lives_know(&run->node->media->lives,
				  bytes_str(run->of_tenant ? run->tenant : ""), bytes_str(out)))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "endpoint",
		     "live.endpoints has no endpoint of that name for this tenant");
	return false;
}

/* A new id follows from the command's: a command repeated after a crash finds its object. */
static void conference_ids(const struct command_run *run, struct shard_conference_request *o,
			   uint16_t shard)
{
	char text[COMMAND_ID_MAX + 2];
	struct writer w = writer_over(text, sizeof(text));

	o->room = id_call_derive(shard, bytes_str(run->id));
	writer_str(&w, run->id);
	writer_str(&w, "+");
	o->rung = id_call_derive(shard, writer_done(&w));
}

/* False: the run has failed. */
static bool conference_submit(struct command_run *run, struct shard_conference_request *o)
{
	struct shard *core = node_core(run->node, o->call);
	struct shard_order by;
	enum refusal refused;
	uint16_t tenant;
	char to[64];

	conference_number_read(run, "to", to);
	if (to[0] && shard_call_tenant(core, o->call, &tenant) &&
	    command_awaits_user(run, tenants_name(run->node->common.tenants, tenant),
				bytes_str(to)))
		return false;
	if (!command_order_start(run, &by))
		return false;
	o->by = &by;
	o->to = to;
	conference_ids(run, o, id_shard(o->call));
	refused = o->with || o->endpoint ? shard_conference_request(core, o, clock_instant())
					 : shard_conference_ring(core, o, clock_instant());
	command_order_end(run, &by, o->of_with, refused);
	return !refused;
}

/* ---- a call of another shard ---- */

/* The room tells the call's shard when its parties have joined (sig/feature/room/room_parts.c). */
static void conference_start(struct command_run *run, const struct shard_join *join)
{
	struct shard_conference_request o = { .call = join->call,
					      .with = join->with,
					      .leg = join->leg };

	(void)conference_submit(run, &o);
}

static void conference_on_joined(struct command_run *run, struct shard_join *join,
				 const struct remote_joined *told)
{
	enum refusal refused = told ? shard_remote_refusal(told->verdict) : REFUSED_NOT;

	if (!told)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the node that has the other call did not answer: try again");
	else if (refused)
		command_refused(run, refused, true);
	else
		conference_start(run, join);
}

/* Of one that is with this node. */
static enum refusal conference_check(const struct node *n, uint16_t tenant, uint64_t call)
{
	const struct shard *other = node_core(n, call);
	struct call_remote far;

	if (shard_call_room(other, call))
		return REFUSED_IN_CONFERENCE;
	return shard_call_remote(other, tenant, call, SHARD_LEG_CALLER, &far);
}

/* It is looked at before anything is done, but where the same command has done it before. */
static void conference_remote(struct command_run *run, struct shard_conference_request *o)
{
	struct shard_join join = {
		.call = o->call, .leg = o->leg, .with = o->with, .with_leg = SHARD_LEG_CALLER
	};
	struct node *n = run->node;
	struct room_view view;
	enum refusal refused;
	const char *tenant;

	conference_ids(run, o, id_shard(o->call));
	tenant = conference_view_of(n, o->room, &view) ? NULL : command_ask_tenant(run, o->call);
	if (conference_view_of(n, o->room, &view)) {
		conference_start(run, &join);
	} else if (tenant && !node_shard_find(n, id_shard(o->with))) {
		command_ask_remote(run, &join, tenant, "", conference_on_joined);
	} else if (tenant) {
		refused = conference_check(n, tenants_number(n->common.tenants, bytes_str(tenant)),
					   o->with);
		if (refused)
			command_refused(run, refused, true);
		else
			conference_start(run, &join);
	}
}

struct conference_monitor_set {
	uint64_t call;
	bool found;
};

static void conference_on_member(const struct member_view *m, void *arg)
{
	struct conference_monitor_set *who = arg;

	who->found = who->found || (m->call == who->call && m->monitors);
}

/* Who monitors a call brings nobody into it. False: the run has failed. */
static bool user_may_join(struct command_run *run, uint64_t call)
{
	struct shard *core = node_core(run->node, call);
	struct conference_monitor_set who = { .call = call };
	uint64_t room = run->user[0] ? shard_call_room(core, call) : 0;

	if (room)
		shard_conference_members(core, room, conference_on_member, &who);
	if (who.found)
		command_fail(run, COMMAND_NOT_ALLOWED, "call", "the extension monitors that call");
	return !who.found;
}

void command_conference_add(struct command_run *run)
{
	struct shard_conference_request o = { .leg = command_order_leg(run, "leg") };
	char endpoint[ROOM_STREAM_MAX];

	if (!command_call_id(run, &o.call) || !one_of_three(run) ||
	    !other_call(run, "with", &o.with) || !conference_endpoint_read(run, endpoint) ||
	    !user_may_join(run, o.call))
		return;
	o.endpoint = endpoint[0] ? endpoint : NULL;
	if (o.with && id_shard(o.with) != id_shard(o.call))
		conference_remote(run, &o);
	else
		(void)conference_submit(run, &o);
}

void command_conference_monitor(struct command_run *run)
{
	uint64_t mode = command_value(run, "mode")->number; /* in the order of g_conference_modes */
	struct shard_conference_request o = { .leg = command_order_leg(run, "leg"),
					      .monitors = (enum shard_monitors)(MONITORS_LISTENS +
										mode),
					      .told = command_value(run, "told")->number };

	if (command_call_id(run, &o.call))
		(void)conference_submit(run, &o);
}

static void conference_into(struct command_run *run, uint64_t room, uint64_t call)
{
	struct shard_conference_request o = { .room = room, .call = call };
	enum refusal refused;
	struct shard_order by;

	if (!command_order_start(run, &by))
		return;
	o.by = &by;
	refused = shard_conference_into(node_core(run->node, room), &o, clock_instant());
	command_order_end(run, &by, o.of_with, refused);
}

/* join: call: the conference. */
static void into_on_joined(struct command_run *run, struct shard_join *join,
			   const struct remote_joined *told)
{
	enum refusal refused = told ? shard_remote_refusal(told->verdict) : REFUSED_NOT;

	if (!told)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the node that has the call did not answer: try again");
	else if (refused)
		command_refused(run, refused, false);
	else
		conference_into(run, join->call, join->with);
}

/* As of conference.add. */
static void into_far(struct command_run *run, uint64_t room, uint64_t call)
{
	const struct shard_join join = { .call = room, .with = call, .with_leg = SHARD_LEG_CALLER };
	struct node *n = run->node;
	struct room_view view;
	enum refusal refused;

	if (!conference_view_of(n, room, &view))
		return;
	if (!node_shard_find(n, id_shard(call))) {
		command_ask_remote(run, &join, view.tenant, "", into_on_joined);
		return;
	}
	refused = conference_check(n, tenants_number(n->common.tenants, bytes_str(view.tenant)),
				   call);
	if (refused)
		command_refused(run, refused, false);
	else
		conference_into(run, room, call);
}

void command_conference_join(struct command_run *run)
{
	uint64_t room, call;

	if (!conference_id(run, &room) || !other_call(run, "call", &call))
		return;
	if (id_shard(call) == id_shard(room))
		conference_into(run, room, call);
	else
		into_far(run, room, call);
}

void command_conference_invite(struct command_run *run)
{
	struct shard_conference_request o = {
		.inviter = in_name_of(run),
		.muted = command_value(run, "muted")->number,
		.auto_answer = command_value(run, "auto_answer")->number,
	};
	struct shard_order by;
	struct room_view view;
	uint64_t room;
	char to[64];

	if (!conference_id(run, &room) || !conference_view_of(run->node, room, &view))
		return;
	conference_number_read(run, "to", to);
	if (command_awaits_user(run, view.tenant, bytes_str(to)) || !command_order_start(run, &by))
		return;
	conference_ids(run, &o, id_shard(room));
	o.room = room;
	o.to = to;
	o.by = &by;
	command_order_end(run, &by, false,
			  shard_conference_ring(node_core(run->node, room), &o, clock_instant()));
}

/* ---- one member ---- */

/* What is no number is beyond all that it may be. */
static int32_t gain_read(struct bytes text)
{
	bool less = bytes_starts(text, "-");
	uint32_t db;

	if (less || bytes_starts(text, "+"))
		text = bytes_from(text, 1);
	if (bytes_u32(text, &db) || db > MEMBER_GAIN_DB_MAX)
		return INT32_MAX;
	return less ? -(int32_t)db : (int32_t)db;
}

void command_conference_member(struct command_run *run)
{
	struct call_order order = { .kind = ORDER_MEMBER,
				    .member = CONFERENCE_MEMBER(run->command->order),
				    .on = CONFERENCE_ON(run->command->order),
				    .in_name_of = in_name_of(run) };
	const struct command_arg *on = command_arg_find(run->command, BYTES_LIT("on"));

	if (on)
		order.on = command_value(run, "on")->number;
	if (order.member == MEMBER_GAIN)
		order.number = gain_read(command_value(run, "db")->text);
	if (order.member == MEMBER_COACH)
		order.number = (int32_t)command_value(run, "member")->number;
	command_order_give(run, &order);
}

/* ---- all of it ---- */

/* Gives the order to the conference, on behalf of the extension that the command names. */
static void conference_order(struct command_run *run, struct shard_room_order *order)
{
	struct shard_order by;
	uint64_t room;

	order->in_name_of = in_name_of(run);
	order->by = &by;
	if (conference_id(run, &room) && command_order_start(run, &by))
		command_order_end(run, &by, false,
				  shard_conference_order(node_core(run->node, room), room, order,
							 clock_instant()));
}

void command_conference_order(struct command_run *run)
{
	struct shard_room_order order = { .act = (enum shard_room_act)run->command->order };

	conference_order(run, &order);
}

/* ---- what is shown ---- */

static json_t *conference_json(const struct room_view *v)
{
	return json_pack(
		"{s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:i, s:I, s:b, s:b, s:b, s:i, s:b, "
		"s:s, s:s}",
		"id", command_call_id_json(v->room), "kind", v->kind, "tenant", v->tenant, "number",
		v->number, "members", (int)v->members, "asking", (int)v->asking, "host",
		(int)v->host, "locked", v->locked, "max_members", (int)v->max_members,
		"created_utc_ms", (json_int_t)v->created_utc_ms, "saved", v->saved, "mixed",
		v->mixes, "apart", v->apart, "recording", (int)v->recording, "recording_paused",
		v->recording_paused, "plays", v->plays, "stream", v->endpoint);
}

static bool conference_look(const struct command_run *run, const struct command_span *span,
			    struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct room_view view;
	struct shard *core;

	while ((core = command_walk_shard(run, at)) &&
	       !shard_conference_next(core, &at->place, &view))
		command_walk_past(at);
	if (!core)
		return false;
	out->utc_ms = view.created_utc_ms;
	id_call_put(out->key, view.room);
	out->wanted = command_may_see(run, view.tenant) && command_span_has(span, out->utc_ms) &&
		      command_span_is_of(span, view.number, "");
	out->json = show && out->wanted ? conference_json(&view) : NULL;
	return true;
}

void command_conference_list(struct command_run *run)
{
	command_walk_start(run, conference_look);
}

static void on_member(const struct member_view *m, void *arg)
{
	json_t *list = arg;

	(void)json_array_append_new(
		list, json_pack("{s:i, s:o, s:o, s:s, s:i, s:b, s:b, s:b, s:b, s:i, s:i, s:b, s:I}",
				"member", (int)m->number, "call", command_call_id_json(m->call),
				"from", command_text_json(m->from), "state",
				m->asks   ? "comes"
				: m->away ? "away"
					  : "there",
				"inviter", (int)m->inviter, "host", m->host, "muted", m->muted,
				"deaf", m->deaf, "held", m->held, "coaches", (int)m->coaches,
				"gain_db", (int)m->gain_db, "monitors", m->monitors,
				"joined_utc_ms", (json_int_t)m->joined_utc_ms));
}

void command_conference_get(struct command_run *run)
{
	struct room_view view;
	json_t *json, *list;
	uint64_t room;

	if (!conference_id(run, &room) || !conference_view_of(run->node, room, &view))
		return;
	json = conference_json(&view);
	list = json_array();
	shard_conference_members(node_core(run->node, room), room, on_member, list);
	(void)json_object_set_new(json, "list", list);
	command_answer(run, json);
}

/* Plays and streams to a whole conference, its listeners, and its recordings (sig/room/room.h). */

static void files_copy(struct room_play *out, const struct prompt_terms *from)
{
	out->count = from->file_count;
	for (uint8_t i = 0; i < out->count; i++)
		memcpy(out->files[i], from->files[i], sizeof(out->files[i]));
}

void command_conference_play(struct command_run *run)
{
	struct room_play play = { 0 };
	struct shard_room_order order = { .act = SHARD_ROOM_PLAY, .play = &play };
	struct prompt_terms terms = { 0 };

	field_order(run, &play);
	if (!command_files_read(run, &terms))
		return;
	files_copy(&play, &terms);
	conference_order(run, &order);
}

void command_conference_stream(struct command_run *run)
{
	char endpoint[ROOM_STREAM_MAX];
	struct shard_room_order order = { .act = SHARD_ROOM_STREAM, .endpoint = endpoint };

	if (conference_endpoint_read(run, endpoint))
		conference_order(run, &order);
}

/* In the order of g_conference_stops. */
void command_conference_stop(struct command_run *run)
{
	struct shard_room_order order = { .act = (enum shard_room_act)(
						  SHARD_ROOM_PLAY_STOP +
						  command_value(run, "what")->number) };

	conference_order(run, &order);
}

void command_conference_record(struct command_run *run)
{
	struct shard_room_order order = { .act = SHARD_ROOM_RECORD,
					  .record = (uint8_t)command_value(run, "state")->number };

	conference_order(run, &order);
}

/* Rooms for conferences that are dialled (CONF-01). */

/* A number that means something else already would not be reached. False: the run has failed. */
static bool room_number_is_free(struct command_run *run, struct bytes number)
{
	if (extensions_has(run->node->api.extensions, document_tenant(run), number)) {
		command_fail(run, COMMAND_CONFLICT, "number",
			     "extension " BYTES_FMT " has this number: take another one, or "
			     "extension.delete it first",
			     BYTES_ARG(number));
		return false;
	}
	if (command_is_code(run, number)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "number", COMMAND_NUMBER_IS_CODE);
		return false;
	}
	return !command_number_leads(run, number);
}

/* A sealed PIN that cannot be opened is replaced only by a new PIN. False: the run has failed. */
static bool room_may_change(struct command_run *run, const struct room_value *r)
{
	const char *lacks = !command_value(run, "pin")->given ? "pin" : "host_pin";

	if (!r->unread ||
	    (command_value(run, "pin")->given && command_value(run, "host_pin")->given))
		return true;
	command_fail(run, COMMAND_MISSING_ARGUMENT, lacks,
		     "its PINs were sealed with other keys: give pin and host_pin");
	return false;
}

/* False: the run has failed. */
static bool command_room_pins_read(struct command_run *run, struct room_value *r)
{
	const struct command_value *pin = command_value(run, "pin");
	const struct command_value *host_pin = command_value(run, "host_pin");
	const char *member, *wrong;

	if (pin->given)
		(void)room_pin_set(r->core.pin, pin->text);
	if (host_pin->given)
		(void)room_pin_set(r->core.host_pin, host_pin->text);
	r->unread = false;
	wrong = room_wrong(r, &member);
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, member, "%s", wrong);
	return !wrong;
}

static bool user_refused(struct command_run *run, enum command_error_code code, const char *words)
{
	command_fail(run, code, "number", "%s", words);
	return false;
}

static uint32_t user_rooms(const struct command_run *run)
{
	json_t *by = references_to(run->node, run->tenant, "extension", run->user), *path;
	uint32_t count = 0;
	const char *who;

	json_object_foreach(by, who, path) count +=
		bytes_starts(bytes_str(who), "room/") && !strcmp(json_string_value(path), "owner");
	json_decref(by);
	return count;
}

/* A user's own: of numbers that the tenant lets users have, and no more than that. False: the run
 * has failed. */
static bool user_may_make(struct command_run *run, struct bytes number)
{
	static struct tenant_value t;

	if (!run->node->hooks->tenant_value(run->node, run->tenant, &t) ||
	    !tenant_user_room(t.user_room_numbers, number))
		return user_refused(run, COMMAND_NOT_ALLOWED,
				    "the tenant does not let users have a room of that number "
				    "(user_room_numbers)");
	if (user_rooms(run) >= t.user_rooms)
		return user_refused(run, COMMAND_FULL,
				    "you have as many rooms as the tenant lets users have "
				    "(user_rooms): delete one");
	return true;
}

static bool room_is_own(struct command_run *run, const void *value)
{
	const struct room_value *r = value;

	return !run->user[0] || !strcmp(r->owner, run->user) ||
	       user_refused(run, COMMAND_NOT_ALLOWED, "it is no room of yours");
}

static bool room_put_make(struct command_run *run, void *value)
{
	struct bytes number = command_value(run, "number")->text;
	struct room_value *r = value;

	room_default(r);
	if (document_stored(run->node, run->tenant, &g_room_documents, number, r)
		    ? !room_may_change(run, r)
		    : (run->user[0] && !user_may_make(run, number)) ||
			      !room_number_is_free(run, number))
		return false;
	r->changed_utc_ms = clock_utc_ms();
	return fields_read_args(run, g_room_fields, r) && command_room_pins_read(run, r);
}

static json_t *room_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return room_to_view(value);
}

/* The node deletes a room with unreadable PINs: nobody may enter without a PIN. */
static int room_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct room_value *r = value;
	struct room_terms core = r->core;
	int err;

	if (r->unread) {
		rooms_delete(node->common.rooms, tenant, bytes_str(core.number));
		LOG_WARN("node", 0,
			 "a room's PINs were sealed with other keys: bring the file keys back, or "
			 "set them again",
			 LOG_STR("number", core.number));
		return 0;
	}
	core.tenant = tenant;
	err = rooms_put(node->common.rooms, &core);
	explicit_bzero(&core, sizeof(core));
	return err;
}

static void room_warn(const struct node *node, uint16_t tenant, const void *value, json_t *out)
{
	command_warn_emergency(node, tenant,
			       bytes_str(((const struct room_value *)value)->core.number), out);
}

static void room_forget(struct node *node, uint16_t tenant, const char *name)
{
	rooms_delete(node->common.rooms, tenant, bytes_str(name));
}

const struct document_kind g_room_documents = {
	.name = "room",
	.argument = "number",
	.fields = g_room_fields,
	.owner = "owner",
	.may = room_is_own,
	.several = "rooms",
	.places = ROOMS_MAX,
	.quota = "max_rooms",
	.item = TENANT_ROOMS,
	.exact = true, /* its number is no extension's */
	.size = sizeof(struct room_value),
	.make = room_put_make,
	.name_at = offsetof(struct room_value, core.number),
	.seal = "tandem room seal 1",
	.write = room_to_document,
	.show = room_show,
	.read = room_from_document,
	.apply = room_apply,
	.warn = room_warn,
	.forget = room_forget,
};
