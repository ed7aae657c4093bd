/* SPDX-License-Identifier: Apache-2.0 */
/* Sounds that are played to a paging group: what its caller has recorded before, what an
 * application names, and bells. Members are rung into the group's room, which plays the files once
 * the first of them is there, and is over behind them. All of that is in the record of the room, so
 * a successor goes on with it. Control thread. */

#include <string.h>

#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/page/page.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/call/prompts.h"
#include "sig/host/event.h"
#include "sig/pbx/page.h"
#include "sig/room/room.h"
#include "sig/shard/shard.h"

enum {
	PAGE_PLAYED_MAX = 32, /* rooms that have played, until they are ended */
	/* A room of such a page that plays nothing for so long was left so by a kill. */
	PAGE_LOST_MS = 15000,
};

static uint64_t g_played[PAGE_PLAYED_MAX];
static uint32_t g_played_count;

static_assert(sizeof(((struct room_play *)NULL)->files[0]) ==
		      sizeof(((struct prompt_terms *)NULL)->files[0]),
	      "files are named alike");

bool page_room_find(const struct node *n, uint16_t tenant, const char *name, struct room_view *out)
{
	char number[ROOM_NUMBER_MAX];
	uint32_t cursor = 0;
	struct shard *core;

	page_room(number, name);
	while ((core = node_core_next(n, &cursor)) != NULL) {
		uint32_t at = 0;

		while (shard_conference_next(core, &at, out)) {
			if (!strcmp(out->number, number) &&
			    !strcmp(out->tenant, tenants_name(n->common.tenants, tenant)))
				return true;
		}
	}
	return false;
}

/* ---- a sound begins ---- */

static void play_files(struct room_play *out, const struct prompt_terms *from, uint64_t times)
{
	*out = (struct room_play){ .times = (uint8_t)times };
	out->count = from->file_count < ROOM_FILES_MAX ? from->file_count : ROOM_FILES_MAX;
	for (uint8_t i = 0; i < out->count; i++)
		memcpy(out->files[i], from->files[i], sizeof(out->files[i]));
}

/* A caller who has recorded a message waits in the room, or has gone. */
static const char *play_wrong(const struct node *n, uint16_t tenant, const struct page_value *v)
{
	struct room_view room;

	if (!page_room_find(n, tenant, v->name, &room) ||
	    (v->type == PAGE_RECORDED && !room.plays[0] && room.members + room.asking <= 1))
		return NULL;
	return "the group hears a page already: try again when that is over";
}

static void sound_start(struct command_run *run, const struct page_value *v,
			const struct room_play *play)
{
	const struct node *n = run->node;
	uint16_t tenant = document_tenant(run);
	char number[ROOM_NUMBER_MAX];
	struct shard_conference_request ring = { 0 };
	const struct shard_room_order order = { .act = SHARD_ROOM_PLAY, .play = play };
	enum refusal refused = REFUSED_NOT;
	uint32_t rung;

	page_room(number, v->name);
	ring.opens = rooms_find(n->common.rooms, tenant, bytes_str(number));
	rung = ring.opens ? page_ring_members(run->node, tenant, v, run->id, &ring) : 0;
	if (!rung) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "no phone of a member rings: none is registered, or all have calls");
		return;
	}
	page_cast(n, ring.room, tenant, v->name);
	refused =
		shard_conference_order(node_core(n, ring.room), ring.room, &order, clock_instant());
	if (refused)
		LOG_WARN("page", ring.room, "a sound is not played to a paging group",
			 LOG_STR("group", v->name), LOG_STR("reason", refusals[refused].name));
	command_answer(run, json_pack("{s:o, s:I}", "conference", command_call_id_json(ring.room),
				      "rung", (json_int_t)rung));
}

void page_play(struct command_run *run)
{
	static struct page_value v;
	static struct room_play play;
	struct prompt_terms terms = { 0 };
	const char *wrong;

	if (!document_stored(run->node, run->tenant, &g_page_documents,
			     command_value(run, "name")->text, &v)) {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such paging group: page.list shows all of them");
		return;
	}
	if (!command_files_read(run, &terms))
		return;
	wrong = play_wrong(run->node, document_tenant(run), &v);
	if (wrong) {
		command_fail(run, COMMAND_CONFLICT, "name", "%s", wrong);
		return;
	}
	if (page_awaits_users(run, run->tenant, &v))
		return;
	play_files(&play, &terms, command_value(run, "times")->number);
	sound_start(run, &v, &play);
}

/* ---- it is over ---- */

void page_on_event(const struct effect *e, void *node)
{
	const struct sig_event *event = e->request;
	struct bytes values[EV_FIELDS];
	uint64_t room;

	(void)node;
	if (event->kind != SIG_CONFERENCE_PLAYED || g_played_count == PAGE_PLAYED_MAX)
		return;
	event_values_find(event, values);
	if (values[EV_CONFERENCE].n != sizeof(room) || !bytes_starts(values[EV_NUMBER], PAGE_WORD))
		return;
	memcpy(&room, values[EV_CONFERENCE].p, sizeof(room));
	g_played[g_played_count++] = room;
}

/* Nobody speaks in it, and nothing plays. played: something has. */
static bool play_is_over(const struct node *n, const struct room_view *v, bool played)
{
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(v->tenant));
	const struct room_terms *t = rooms_find(n->common.rooms, tenant, bytes_str(v->number));

	return bytes_starts(bytes_str(v->number), PAGE_WORD) && v->members && !v->plays[0] &&
	       (!v->host || (t && !t->ends_with_host)) &&
	       !bytes_starts(bytes_str(v->endpoint), ROOM_STREAM_SOURCE) &&
	       (played || clock_utc_ms() > v->created_utc_ms + PAGE_LOST_MS);
}

static bool play_end(const struct node *n, const struct room_view *v, bool played)
{
	const struct shard_room_order end = { .act = SHARD_ROOM_END };

	if (!play_is_over(n, v, played))
		return false;
	LOG_INFO("page", v->room, "what was played to a paging group is over");
	return !shard_conference_order(node_core(n, v->room), v->room, &end, clock_instant());
}

static void plays_look(const struct node *n)
{
	uint32_t cursor = 0;
	struct room_view v;
	struct shard *core;

	for (uint32_t i = 0; i < g_played_count; i++) {
		core = node_core(n, g_played[i]);
		if (core && shard_conference_view(core, g_played[i], &v))
			(void)play_end(n, &v, true);
	}
	g_played_count = 0;
	while ((core = node_core_next(n, &cursor)) != NULL) {
		uint32_t at = 0;

		while (shard_conference_next(core, &at, &v)) {
			if (play_end(n, &v, false))
				break; /* the table has changed */
		}
	}
}

void page_second(struct node *n, uint64_t now_ns)
{
	page_multicast_second(n, now_ns);
	bells_second(n, clock_utc_ms());
	plays_look(n);
	page_claims(n);
}
