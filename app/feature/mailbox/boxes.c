/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to mailboxes: it turns orders of calls, commands and tandem-store into the Lua scripts
 * box_change and box_read, and their answers into rows of JSON. All nodes share the mailboxes, so
 * every change is made by the script and compared there; nothing of a mailbox is kept here between
 * requests. A message counts as saved when Redis has it, with the tasks that follow from it
 * (notices.h).
 */

#include "app/feature/mailbox/boxes.h"
#include "app/feature/mailbox/notices.h"
#include "app/feature/recording/deliver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/record/aes128gcm.h"
#include "app/record/entry.h"
#include "app/schema/extension.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/metric.h"
#include "cluster/store/store.h"
#include "sig/host/calendars.h"
#include "sig/shard/shared_tables.h"

enum {
	/* So many callers may be told at once that their messages are saved. */
	BOX_WAITING_MAX = 8192,
	MARKS_MAX = 32768,        /* JSON may write each of 4096 octets of a text with six */
	PART_MAX = 2 * ENTRY_MAX, /* some of what an entry says */
	BOX_BY_MAX = 64,
	BOX_DRAFT_MS = 900000, /* as in box_keys.lua */
};
#define BOX_DAY_MS UINT64_C(86400000)
#define ROW_MOST   9007199254740992.0 /* 2^53 */

/* A request to a mailbox, until Redis has answered. */
struct box_run {
	struct box_run *next;
	struct node *node;
	char tenant[TENANT_NAME_MAX], box[BOX_NAME_MAX + 1];
	struct box_order order;
	/* "put", "drop": of tandem-store; "mark": of a quiet order; NULL: another order. */
	const char *said;
	char id[MESSAGE_ID_MAX + 1];
	const char *sets, *to; /* constants */
	char *text;            /* marks, a part, or its name */
	char by[BOX_BY_MAX];
	bool raw;
	bool told; /* the last row: events were told that it is there */
	uint32_t most;
	uint64_t until_ns;
	json_t *rows;
	struct node_box_answer answer; /* kept until Redis has the tasks that follow from it */
	node_box_fn *done;
	void *arg;
};

struct boxes g_boxes;

/* ---- a row ---- */

/* Sets by name, with the state of their messages. */
static const struct box_set {
	const char *name;
	enum message_state state;
	bool urgent;
} g_sets[] = {
	{ "new", MESSAGE_NEW, false },     { "urgent", MESSAGE_NEW, true },
	{ "old", MESSAGE_OLD, false },     { "oldurgent", MESSAGE_OLD, true },
	{ "draft", MESSAGE_DRAFT, false }, { "gone", MESSAGE_DELETED, false },
};

/* Sets of a list: urgent ones first, or each alone. */
static const char *box_sets_of(const struct box_order *o)
{
	switch (o->state) {
	case MESSAGE_DRAFT:
		return "draft";
	case MESSAGE_OLD:
		return o->ranked ? "oldurgent old" : o->urgent ? "oldurgent" : "old";
	case MESSAGE_DELETED:
		return "gone";
	case MESSAGE_NEW:
	case MESSAGE_STATES:
		break;
	}
	return o->ranked ? "urgent new" : o->urgent ? "urgent" : "new";
}

static json_t *box_json(struct bytes text)
{
	json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return json_object();
}

bool box_row_is(const json_t *row, enum message_state state)
{
	return !strcmp(json_text(row, "state"), g_message_states[state]);
}

static void row_copy(json_t *row, const char *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		(void)json_object_set(row, to, value);
}

/* Large numbers of a script are rational to jansson.
 * A number that is no count, or above 2^53, becomes 0. */
static void row_number(json_t *row, const char *to, const json_t *from, const char *key)
{
	double value = json_number_value(json_object_get(from, key));

	(void)json_object_set_new(
		row, to, json_integer(value >= 0 && value <= ROW_MOST ? (json_int_t)value : 0));
}

/* Offsets to UTC when it began: of this node, and of the tenant (VM-07). */
static void row_offsets(const struct box_run *run, json_t *row)
{
	const struct node *n = run->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->tenant));
	const char *own =
		tenant != TENANT_NONE ? tenants_terms(n->common.tenants, tenant)->zone : "";
	time_t at_s = (time_t)(json_count(row, "begun_utc_ms") / 1000);
	struct tm tm = { 0 };

	(void)localtime_r(&at_s, &tm);
	(void)json_object_set_new(row, "server_offset_s", json_integer(tm.tm_gmtoff));
	(void)json_object_set_new(
		row, "zone_offset_s",
		json_integer(calendars_offset_s(n->common.shared_tables->calendars, own, at_s)));
}

/* TENANT/DATE/FILE comes from Redis, and a mail or link would send any file:
 * it must be the tenant's own. */
static bool part_is_own(const struct box_run *run, const char *name)
{
	size_t n = strlen(run->tenant);

	return name && !strncmp(name, run->tenant, n) && name[n] == '/' && !strstr(name, "/.");
}

/* A part that is encrypted for nodes has its plain name: it is fetched plain. */
static void row_part_plain(json_t *part, const char *name)
{
	const char *how = json_string_value(json_object_get(part, "encrypted"));

	if (!how || strcmp(how, AES128GCM_KIND) != 0 || !name[aes128gcm_stem(name)])
		return;
	(void)json_object_set_new(part, "name", json_stringn(name, aes128gcm_stem(name)));
	(void)json_object_del(part, "encrypted");
}

static void row_parts(const struct box_run *run, struct bytes id, const json_t *facts)
{
	json_t *parts = json_object_get(facts, "parts");

	for (size_t i = json_array_size(parts); i-- > 0;) {
		const char *name =
			json_string_value(json_object_get(json_array_get(parts, i), "name"));

		if (part_is_own(run, name)) {
			row_part_plain(json_array_get(parts, i), name);
			continue;
		}
		LOG_WARN("boxes", 0,
			 "a part of a message is no recording of its tenant: it is left out",
			 LOG_STR("tenant", run->tenant), LOG_STR("mailbox", run->box),
			 LOG_BYTES("message", id), LOG_STR("file", name ? name : ""));
		(void)json_array_remove(parts, i);
	}
}

static void box_on_row(const struct store_box_row *in, void *arg)
{
	static const char *const texts[] = { "from", "from_name", "to", "parts" };
	static const char *const marks_of[] = { "note", "by", "text" };
	struct box_run *run = arg;
	json_t *facts = box_json(in->facts), *marks = box_json(in->marks), *row;
	const struct box_set *set = NULL;

	for (size_t i = 0; i < COUNT_OF(g_sets); i++)
		set = bytes_is(in->set, g_sets[i].name) ? &g_sets[i] : set;
	row = json_pack("{s:s#, s:s, s:s, s:b, s:b}", "message", (const char *)in->id.p,
			(int)in->id.n, "mailbox", run->box, "state",
			g_message_states[set ? set->state : MESSAGE_NEW], "urgent",
			(set && set->urgent) || json_flag(marks, "urgent"), "private",
			json_flag(marks, "private"));
	if (set && set->state == MESSAGE_DELETED)
		(void)json_object_set_new(row, "deleted_utc_ms",
					  json_integer((json_int_t)in->at_utc_ms));
	row_parts(run, in->id, facts);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		row_copy(row, texts[i], facts, texts[i]);
	for (size_t i = 0; i < COUNT_OF(marks_of); i++)
		row_copy(row, marks_of[i], marks, marks_of[i]);
	row_copy(row, "mail", json_object_get(marks, "mail"), "state");
	row_copy(row, "mail_reason", json_object_get(marks, "mail"), "reason");
	row_number(row, "begun_utc_ms", facts, "begun_utc_ms");
	row_offsets(run, row);
	row_number(row, "duration_ms", facts, "ms");
	row_number(row, "octets", facts, "octets");
	row_number(row, "version", marks, "version");
	run->told = json_flag(marks, "told");
	if (run->raw)
		(void)json_object_set(row, "marks", marks);
	json_decref(facts);
	json_decref(marks);
	(void)json_array_append_new(run->rows, row);
}

/* ---- an answer ---- */

static void box_run_free(struct box_run *run)
{
	json_decref(run->rows);
	free(run->text);
	free(run);
}

static void box_run_send(struct box_run *run);

/* Repeats the orders that wait for that message; NULL: all. */
static void boxes_try(const char *id)
{
	struct box_run **at = &g_boxes.waiting, *tried = NULL, *run;

	while ((run = *at)) {
		if (id && strcmp(run->id, id) != 0) {
			at = &run->next;
			continue;
		}
		*at = run->next;
		g_boxes.count -= !run->order.lasting;
		run->next = tried;
		tried = run;
	}
	while ((run = tried)) {
		tried = run->next;
		box_run_send(run);
	}
}

static enum box_result answer_result(const struct store_box_answer *said)
{
	static const enum box_result results[] = { [STORE_BOX_NONE] = BOX_NONE,
						   [STORE_BOX_DONE] = BOX_OK,
						   [STORE_BOX_OTHER_VERSION] = BOX_CONFLICT,
						   [STORE_BOX_OVER] = BOX_OK,
						   [STORE_BOX_PRIVATE] = BOX_CONFLICT };

	if (said->result != STORE_OK || said->code >= COUNT_OF(results))
		return BOX_UNKNOWN;
	return results[said->code];
}

static bool box_run_changes(const struct box_run *run)
{
	return run->said ? strcmp(run->said, "mark") != 0 : run->order.act >= BOX_SET;
}

static void box_run_end(struct box_run *run)
{
	if (run->done)
		run->done(&run->answer, run->arg);
	if (run->said && run->answer.result == BOX_OK)
		boxes_try(run->id);
	box_run_free(run);
}

/* A caller that gets OK may rely on the consequences. */
static void box_on_noticed(enum store_result result, void *arg)
{
	struct box_run *run = arg;

	if (result != STORE_OK)
		run->answer.result = BOX_UNKNOWN;
	box_run_end(run);
}

/* Daily, with its line: deletes a message older than its mailbox keeps. After a failure it is
 * checked again tomorrow. */
static void box_retain(const struct box_run *run, const json_t *row)
{
	struct node_box_request ask = {
		.tenant = bytes_str(run->tenant),
		.box = bytes_str(run->box),
		.by = BYTES_LIT("retention"),
		.order = { .act = BOX_SET, .what = BOX_STATE, .state = MESSAGE_DELETED }
	};
	struct extension_box box;

	(void)run->node->hooks->box(run->node, run->tenant, bytes_str(run->box), &box);
	if (!box.days || json_count(row, "begun_utc_ms") + box.days * BOX_DAY_MS > clock_utc_ms())
		return;
	(void)bytes_cstr(bytes_str(run->id), ask.order.id, sizeof(ask.order.id));
	node_box_request(run->node, &ask, NULL, NULL);
}

/* Whether the change has consequences:
 * it is new here, becomes urgent, or its mail is to be sent again. */
static bool box_run_notes(const struct box_run *run, const json_t *row)
{
	const struct box_order *o = &run->order;

	if (!run->said && o->what & BOX_MAIL)
		return true;
	return !box_row_is(row, MESSAGE_OLD) && (!run->told || (o->what & BOX_URGENT && o->urgent));
}

/* True: the run ends later. A draft becomes a message by itself, and is checked then. */
static bool box_run_changed(struct box_run *run)
{
	const json_t *row = json_array_get(run->rows, 0);
	struct node_notify notice = { .tenant = run->tenant, .box = run->box, .message = run->id };
	bool draft = box_row_is(row, MESSAGE_DRAFT), gone = box_row_is(row, MESSAGE_DELETED);

	shard_box_changed(run->node->common.shared_tables, bytes_str(run->tenant),
			  bytes_str(run->box));
	if (!run->said && run->told)
		node_message_event(run->node, gone ? SIG_MESSAGE_DELETED : SIG_MESSAGE_CHANGED,
				   run->tenant, row, run->by);
	if (row && run->said && !draft && !gone)
		box_retain(run, row);
	if (!row || (draft && !run->said) || gone || !box_run_notes(run, row))
		return false;
	if (draft)
		notice.due_utc_ms = clock_utc_ms() + BOX_DRAFT_MS;
	node_notice_add(run->node, &notice, box_on_noticed, run);
	return true;
}

/* Its last part was not reported yet: not all of the message is safe. */
static bool box_lacks(const struct box_run *run)
{
	const json_t *parts = json_object_get(json_array_get(run->rows, 0), "parts");
	json_int_t newest = 0;
	json_t *part;
	size_t i;

	json_array_foreach(parts, i, part)
	{
		json_int_t segment = json_integer_value(json_object_get(part, "segment"));

		if (!segment) /* it is whole */
			return false;
		newest = segment > newest ? segment : newest;
	}
	return run->order.segment > newest;
}

/* A call leaves at most one pending order, so calls bound their number. Redis closes after the
 * mailboxes: none waits then. */
static bool box_run_waits(const struct box_run *run, const struct store_box_answer *said,
			  enum box_result result)
{
	if (run->node->life->phase == NODE_STOPPING)
		return false;
	if (run->order.lasting)
		return said->result == STORE_UNKNOWN;
	return (result == BOX_NONE || result == BOX_UNKNOWN) && clock_now_ns() < run->until_ns &&
	       g_boxes.count < BOX_WAITING_MAX;
}

static void box_on_answer(const struct store_box_answer *said, void *arg)
{
	struct box_run *run = arg;
	struct node *n = run->node;
	const uint32_t *c = said->counts;
	struct node_box_answer answer = { .result = answer_result(said),
					  .over = said->code == STORE_BOX_OVER,
					  .secluded = said->code == STORE_BOX_PRIVATE,
					  .rows = run->rows,
					  .counts = { said->version, c[0] + c[1], c[2] + c[3], c[1],
						      c[3], c[4] } };

	if (answer.result == BOX_OK && run->order.act == BOX_SEND && box_lacks(run))
		answer.result = BOX_NONE;
	if (box_run_waits(run, said, answer.result)) {
		run->next = g_boxes.waiting;
		g_boxes.waiting = run;
		g_boxes.count += !run->order.lasting;
		return;
	}
	if (said->result == STORE_REFUSED)
		LOG_WARN("boxes", 0, "Redis refuses a request to a mailbox: see the line above",
			 LOG_STR("tenant", run->tenant), LOG_STR("mailbox", run->box),
			 LOG_STR("message", run->id));
	if (run->said && !strcmp(run->said, "put") && answer.result == BOX_OK)
		store_box_note(n->redis->store, bytes_str(run->tenant), bytes_str(run->box));
	run->answer = answer;
	if (answer.result != BOX_OK || !box_run_changes(run) || !box_run_changed(run))
		box_run_end(run);
}

/* ---- a question ---- */

static void box_word(struct store_box *of, struct bytes *words, const char *text)
{
	words[of->n++] = bytes_str(text);
}

static const char *flag_word(unsigned what, unsigned flag, bool is)
{
	return !(what & flag) ? "" : is ? "1" : "0";
}

static void words_of_change(struct store_box *of, struct bytes *words, const struct box_run *run,
			    struct bytes version)
{
	const struct box_order *o = &run->order;

	box_word(of, words, run->id);
	if (run->said) { /* mark has no third word */
		box_word(of, words, run->text);
		box_word(of, words, run->to);
		return;
	}
	box_word(of, words, run->to);
	box_word(of, words, flag_word(o->what, BOX_URGENT, o->urgent));
	box_word(of, words, run->text ? run->text : "");
	words[of->n++] = version;
}

static void words_of_read(struct store_box *of, struct bytes *words, const struct box_run *run,
			  struct bytes most)
{
	static const char *const order_words[] = { "0", "1", "2", "3" };
	struct bytes rest = bytes_str(run->sets), name;

	box_word(of, words, run->id);
	words[of->n++] = most;
	box_word(of, words, order_words[2 * run->order.ranked + run->order.newest_first]);
	box_word(of, words, run->order.id);
	while (of->n < STORE_BOX_WORDS && bytes_cut(&rest, ' ', &name))
		words[of->n++] = name;
}

static void box_run_send(struct box_run *run)
{
	struct bytes words[STORE_BOX_WORDS];
	struct store_box of = { .tenant = bytes_str(run->tenant),
				.box = bytes_str(run->box),
				.change = run->said || run->order.act >= BOX_SET,
				.words = words };
	struct store_shared *store = run->node->redis->store;

	(void)json_array_clear(run->rows);
	if (of.change)
		box_word(&of, words, run->said ? run->said : "set");
	words[of.n++] = DECIMAL_TEXT(clock_utc_ms());
	if (of.change)
		words_of_change(&of, words, run, DECIMAL_TEXT(run->order.version));
	else
		words_of_read(&of, words, run, DECIMAL_TEXT(run->most));
	if (store)
		store_box_request(store, &of, box_on_row, box_on_answer, run);
	else
		box_on_answer(&(struct store_box_answer){ .result = STORE_UNKNOWN }, run);
}

static struct box_run *box_run_make(struct node *n, struct bytes tenant, struct bytes box,
				    node_box_fn *done, void *arg)
{
	struct box_run *run = calloc(1, sizeof(*run));

	if (run)
		*run = (struct box_run){ .node = n,
					 .rows = json_array(),
					 .sets = "",
					 .to = "",
					 .done = done,
					 .arg = arg };
	if (run && run->rows && box.n && !bytes_cstr(tenant, run->tenant, sizeof(run->tenant)) &&
	    !bytes_cstr(box, run->box, sizeof(run->box)))
		return run;
	if (run)
		box_run_free(run);
	return NULL;
}

/* Marks of an order as one text. False: out of memory. */
static bool box_run_marks(struct box_run *run, const struct node_box_request *ask)
{
	json_t *marks = ask->marks ? json_copy(ask->marks) : json_object();

	if (ask->by.n)
		(void)json_object_set_new(marks, "by",
					  json_stringn((const char *)ask->by.p, ask->by.n));
	if (ask->order.what & BOX_PRIVATE)
		(void)json_object_set_new(marks, "private", json_boolean(ask->order.is_private));
	run->text = json_dumps(marks, JSON_COMPACT);
	json_decref(marks);
	return run->text && strlen(run->text) <= MARKS_MAX;
}

static void box_run_aim(struct box_run *run, const struct node_box_request *ask)
{
	const struct box_order *o = &ask->order;

	run->order = *o;
	run->raw = ask->raw;
	run->said = ask->quiet ? "mark" : NULL;
	(void)bytes_cstr(bytes_sub(ask->by, 0, sizeof(run->by) - 1), run->by, sizeof(run->by));
	run->most = ask->most ? ask->most : BOX_PAGE;
	run->to = o->act == BOX_DROP      ? "dropped"
		  : o->act == BOX_SEND    ? "sent"
		  : o->act == BOX_RESTORE ? "kept"
		  : o->what & BOX_STATE   ? g_message_states[o->state]
					  : "";
	(void)snprintf(run->id, sizeof(run->id), "%s",
		       o->act >= BOX_SET ? o->id : (ask->one ? ask->one : ""));
	if (ask->sets)
		run->sets = ask->sets;
	else if (o->act == BOX_LIST)
		run->sets = box_sets_of(o);
	if (o->wait_ms)
		run->until_ns = clock_now_ns() + o->wait_ms * NS_PER_MS;
}

void node_box_request(struct node *n, const struct node_box_request *ask, node_box_fn *done,
		      void *arg)
{
	struct box_run *run = box_run_make(n, ask->tenant, ask->box, done, arg);

	if (run && box_run_marks(run, ask)) {
		box_run_aim(run, ask);
		box_run_send(run);
		return;
	}
	if (run)
		box_run_free(run);
	if (done)
		done(&(struct node_box_answer){ .result = BOX_UNKNOWN }, arg);
}

/* ---- requests of calls ---- */

struct box_wait {
	struct node *node;
	bool lists; /* no message is an answer, too */
	bool looks;
	struct extension_box limits;
	struct reply reply;
};

static void box_message_fill(struct box_message *m, const json_t *row)
{
	(void)snprintf(m->id, sizeof(m->id), "%s", json_text(row, "message"));
	(void)snprintf(m->from, sizeof(m->from), "%s", json_text(row, "from"));
	while (m->state < MESSAGE_STATES - 1 && !box_row_is(row, m->state))
		m->state++;
	m->begun_utc_ms = json_count(row, "begun_utc_ms");
	m->version = json_count(row, "version");
	m->ms = (uint32_t)json_count(row, "duration_ms");
	m->urgent = json_flag(row, "urgent");
	m->is_private = json_flag(row, "private");
}

static metric_id g_boxes_full;

void node_box_ask_room(struct node_box_request *ask, const struct extension_box *limits)
{
	ask->order.act = BOX_LOOK;
	ask->sets = limits->minutes ? "all" : NULL;
}

bool node_box_is_full(const struct extension_box *limits, const struct node_box_answer *answer)
{
	const struct box_counts *c = &answer->counts;
	const json_t *all = json_array_get(answer->rows, 0);

	if (answer->result != BOX_OK)
		return false;
	return (limits->messages && c->fresh + c->old >= limits->messages) ||
	       (limits->minutes &&
		json_count(all, "duration_ms") >= limits->minutes * UINT64_C(60000));
}

static void box_on_wait(const struct node_box_answer *answer, void *arg)
{
	struct box_wait *wait = arg;
	struct box_reply *outcome = &wait->reply.box;
	const json_t *row = json_array_get(answer->rows, 0);

	outcome->result = answer->result;
	outcome->counts = answer->counts;
	outcome->full = wait->looks && node_box_is_full(&wait->limits, answer);
	metric_add(g_boxes_full, outcome->full);
	outcome->listed = wait->lists;
	outcome->found = answer->result != BOX_UNKNOWN && row && !wait->looks;
	if (wait->lists && answer->result == BOX_OK && !row)
		outcome->result = BOX_NONE;
	if (outcome->found)
		box_message_fill(&outcome->message, row);
	answers_reply(&wait->node->shards->answers, &wait->reply);
	free(wait);
}

/* The quota is checked by the count of messages, which comes before the beep. */
static void box_wait_limits(struct box_wait *wait, struct node_box_request *ask)
{
	const struct node *n = wait->node;
	char tenant[TENANT_NAME_MAX];

	wait->looks = ask->order.act == BOX_LOOK;
	if (wait->looks && !bytes_cstr(ask->tenant, tenant, sizeof(tenant)) &&
	    n->hooks->box(n, tenant, ask->box, &wait->limits))
		node_box_ask_room(ask, &wait->limits);
}

void node_box_carry(const struct effect *e, void *node)
{
	const struct request_box *request = e->request;
	struct node *n = node;
	struct node_box_request ask = { .tenant = text_bytes(&request->tenant),
					.box = text_bytes(&request->box),
					.by = text_bytes(&request->by),
					.order = request->order,
					.most = 1 };
	struct box_wait *wait = e->serial ? calloc(1, sizeof(*wait)) : NULL;

	if (wait) {
		wait->node = n;
		wait->lists = request->order.act == BOX_LIST;
		wait->reply =
			(struct reply){ .ask = ASK_BOX,
					.of = e->call,
					.box = { .serial = e->serial, .result = BOX_UNKNOWN } };
		box_wait_limits(wait, &ask);
	} else if (e->serial) {
		LOG_ERROR("boxes", e->call, "no memory for a request to a mailbox");
	}
	/* without memory the call's own time runs */
	node_box_request(n, &ask, wait ? box_on_wait : NULL, wait);
}

/* ---- reports of tandem-store ---- */

/* Octets of its content. */
static json_int_t entry_octets(const json_t *entry)
{
	json_int_t octets = json_integer_value(json_object_get(entry, "octets"));
	const char *how = json_string_value(json_object_get(entry, "encrypted"));
	const struct aes128gcm_file f = { .size = octets > 0 ? (uint64_t)octets : 0,
					  .head = AES128GCM_HEAD,
					  .record = AES128GCM_RECORD };

	return how && !strcmp(how, AES128GCM_KIND) ? (json_int_t)aes128gcm_plain(&f) : octets;
}

/* ID.wav: all of it; ID.2.wav: the second segment; ID.2.cut.wav: another node's copy of that. */
static json_t *entry_part(const json_t *entry, const char *file, struct bytes stem)
{
	static const char *const keys[] = { "from", "from_name", "to",
					    "node", "node_id",   "encrypted" };
	const char *rest = file + stem.n + 1;
	const char *begun = json_string_value(json_object_get(entry, "begun"));
	struct tm tm = { 0 };
	json_t *part;

	part = json_pack("{s:s, s:I, s:I, s:I}", "name",
			 json_string_value(json_object_get(entry, "name")), "segment",
			 (json_int_t)strtoul(rest, NULL, 10), "ms",
			 json_integer_value(json_object_get(entry, "duration_ms")), "octets",
			 entry_octets(entry));
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		row_copy(part, keys[i], entry, keys[i]);
	if (strstr(rest, "cut."))
		(void)json_object_set_new(part, "cut", json_true());
	begun = begun ? strptime(begun, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	(void)json_object_set_new(
		part, "begun_utc_ms",
		json_integer((json_int_t)timegm(&tm) * 1000 +
			     (begun && *begun == '.' ? strtol(begun + 1, NULL, 10) : 0)));
	return part;
}

/* Whether the line is of a message; fills the run from it. */
static bool entry_fill(struct box_run *run, const json_t *line, const json_t *entry)
{
	const char *act = json_string_value(json_object_get(line, "act"));
	const char *state = json_string_value(json_object_get(line, "state"));
	const char *name = json_string_value(json_object_get(line, "name"));
	struct bytes stem = name ? entry_stem(name) : (struct bytes){ 0 };
	json_t *part;

	if (!act || !state || !stem.n || bytes_cstr(stem, run->id, sizeof(run->id)))
		return false;
	run->said = strcmp(act, "put") != 0 ? "drop" : "put";
	if (!strcmp(run->said, "drop")) {
		/* a lost file may come back: its part stays in the row */
		run->text = strcmp(state, g_entry_states[ENTRY_LOST]) != 0 ? strndup(name, PART_MAX)
									   : NULL;
		return run->text;
	}
	part = entry_part(entry, (const char *)stem.p, stem);
	run->text = json_dumps(part, JSON_COMPACT);
	json_decref(part);
	run->to = json_flag(entry, "draft") ? "draft" : entry_has_audio(entry) ? "old" : "new";
	return run->text && strlen(run->text) <= PART_MAX;
}

static void answer_on_box(const struct node_box_answer *answer, void *arg)
{
	const json_t *row = json_array_get(answer->rows, 0);
	json_t *members = json_pack("{s:b}", "over", (int)answer->over);

	if (row)
		(void)json_object_set_new(members, "heard",
					  json_boolean(box_row_is(row, MESSAGE_OLD)));
	node_deliver_answered(arg, answer->result != BOX_UNKNOWN, members);
}

/* A recording that tandem-store reports (docs/adr/0050), known to Redis. False: no message. */
static bool box_on_line(struct node *n, const json_t *line, void *arg)
{
	const json_t *text = json_object_get(line, "entry");
	json_t *entry = box_json(bytes_mem(json_string_value(text), json_string_length(text)));
	struct bytes box = bytes_str(json_string_value(json_object_get(entry, "mailbox"))), tenant;
	struct bytes name = bytes_str(json_string_value(json_object_get(line, "name")));
	struct box_run *run = NULL;
	bool is = false;

	/* a deleted tenant has no mailboxes, even if its files are still there */
	if (box.n && bytes_cut(&name, '/', &tenant) &&
	    tenants_find(n->common.tenants, tenant) != TENANT_NONE)
		run = box_run_make(n, tenant, box, answer_on_box, arg);
	if (run)
		is = entry_fill(run, line, entry);
	json_decref(entry);
	if (is)
		box_run_send(run);
	else if (run)
		box_run_free(run);
	return is;
}

/* ---- its life ---- */

const struct metric_def g_box_metric_rows[] = {
	{ &g_boxes_full, METRIC_COUNTER, "tandem_mailbox_full_total",
	  "Callers, and users, who found a mailbox that may have no more messages." },
	{ NULL },
};

void node_boxes_setup(void)
{
	g_deliver.message = box_on_line;
}

void node_boxes_second(struct node *n, uint64_t now_ns)
{
	boxes_try(NULL);
	node_notices_beat(n, now_ns);
}

void node_boxes_close(struct node *n)
{
	(void)n;
	while (g_boxes.waiting) {
		struct box_run *run = g_boxes.waiting;

		g_boxes.waiting = run->next;
		run->answer = (struct node_box_answer){ .result = BOX_UNKNOWN };
		box_run_end(run);
	}
}
