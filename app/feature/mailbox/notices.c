/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes due tasks about messages from Redis, runs their steps (notify_work.c) and renews its
 * hold on them. boxes.c adds a task with each change of a message. A task belongs to the node
 * that holds it, for STORE_TASK_HELD_MS; a node that dies loses its hold, so each consequence
 * happens on one node, and again only if that died between doing and marking it.
 */

#include "app/feature/mailbox/notices.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/extension.h"
#include "app/schema/fields.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "cluster/identity.h"

enum {
	NOTIFY_MAX = 64, /* done at a time */
	NOTIFY_CLAIM_MS = 1000,
	NOTIFY_AGAIN_MS = 5000, /* Redis did not answer */
};

struct notices g_notifications;

/* ---- events ---- */

void node_message_event(struct node *n, enum sig_event_kind kind, const char *tenant,
			const json_t *row, const char *by)
{
	struct extension_box box;
	struct sig_event event = { .kind = kind, .version = json_count(row, "version") };
	const char *mailbox = json_text(row, "mailbox");

	(void)n->hooks->box(n, tenant, bytes_str(mailbox), &box);
	event_put_str(&event, EV_FROM, json_text(row, "from"));
	event_put_str(&event, EV_TO, mailbox);
	event_put_str(&event, EV_MAILBOX, mailbox);
	event_put_str(&event, EV_MESSAGE, json_text(row, "message"));
	event_put_str(&event, EV_STATE, json_text(row, "state"));
	event_put_number(&event, EV_URGENT, json_flag(row, "urgent"));
	event_put_number(&event, EV_DURATION_MS, (uint32_t)json_count(row, "duration_ms"));
	event_put_str(&event, EV_BY, by);
	event_put_str(&event, EV_MEMBERS, box.members);
	node_event(n, tenant, &event);
}

/* done NULL: the answer does not matter. */
static void notify_task(const struct node *n, enum store_task_act act, struct bytes what,
			uint64_t due_utc_ms, store_task_fn *done, void *arg)
{
	const struct store_task of = { act, bytes_str(n->identity->id), what, due_utc_ms };

	store_task(n->redis->store, &of, done, arg);
}

/* ---- its end ---- */

static void notify_unlink(struct notify_run *run)
{
	struct notify_run **at = &g_notifications.first;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	g_notifications.count--;
}

static void notify_on_done(enum store_result result, const struct bytes *held, size_t count,
			   void *arg)
{
	struct notify_run *run = arg;

	(void)result; /* if Redis does not know, it is done again */
	(void)held;
	(void)count;
	free(run);
}

void notify_end(struct notify_run *run, uint64_t due_utc_ms)
{
	notify_unlink(run);
	if (run->node->redis->store && run->node->life->phase != NODE_STOPPING)
		notify_task(run->node, STORE_TASK_DONE, bytes_str(run->what), due_utc_ms,
			    notify_on_done, run);
	else
		free(run);
}

/* ---- its steps ---- */

struct node_box_request notify_request(const struct notify_run *run, enum box_act act)
{
	return (struct node_box_request){ .tenant = bytes_str(run->tenant),
					  .box = bytes_str(run->box),
					  .order = { .act = act },
					  .raw = true };
}

void notify_mark(struct notify_run *run, json_t *marks)
{
	struct node_box_request ask = notify_request(run, BOX_SET);

	(void)bytes_cstr(bytes_str(run->message), ask.order.id, sizeof(ask.order.id));
	ask.marks = marks;
	ask.quiet = true;
	node_box_request(run->node, &ask, notify_on_message, run);
	json_decref(marks);
}

void notify_on_message(const struct node_box_answer *answer, void *arg)
{
	struct notify_run *run = arg;
	const json_t *row = json_array_get(answer->rows, 0);

	if (answer->result == BOX_UNKNOWN)
		notify_end(run, clock_utc_ms() + NOTIFY_AGAIN_MS);
	else if (answer->result != BOX_OK || !row)
		notify_end(run, 0);
	else
		notify_step(run, row);
}

static void notify_look(struct notify_run *run)
{
	struct node_box_request ask = notify_request(run, BOX_LIST);

	if (!strcmp(run->message, NOTIFY_BOX)) {
		notify_calls(run);
		return;
	}
	ask.one = run->message;
	node_box_request(run->node, &ask, notify_on_message, run);
}

/* ---- its start ---- */

static bool notify_read(struct notify_run *run, struct bytes what)
{
	struct bytes tenant, box;

	return !bytes_cstr(what, run->what, sizeof(run->what)) && bytes_cut(&what, ' ', &tenant) &&
	       bytes_cut(&what, ' ', &box) &&
	       !bytes_cstr(tenant, run->tenant, sizeof(run->tenant)) &&
	       !bytes_cstr(box, run->box, sizeof(run->box)) &&
	       !bytes_cstr(what, run->message, sizeof(run->message));
}

/* Deletes a task that no node can read. */
static void notify_drop(struct node *n, struct bytes what)
{
	LOG_WARN("mail", 0, "what is to be done about a message cannot be read: it is dropped",
		 LOG_BYTES("task", what));
	notify_task(n, STORE_TASK_DONE, what, 0, NULL, NULL);
}

/* Starts the task. Without room the task stays held until its time is over, and is taken again. */
static void notify_start(struct node *n, struct bytes what)
{
	struct notices *all = &g_notifications;
	struct notify_run *run = all->count < NOTIFY_MAX ? calloc(1, sizeof(*run)) : NULL;

	if (!run)
		return;
	if (!notify_read(run, what)) {
		free(run);
		notify_drop(n, what);
		return;
	}
	run->node = n;
	run->hold_ns = clock_now_ns() + STORE_TASK_HELD_MS / 3 * NS_PER_MS;
	run->next = all->first;
	all->first = run;
	all->count++;
	notify_look(run);
}

struct notify_add {
	struct node *node;
	node_notice_fn *done;
	void *arg;
};

static void notify_on_added(enum store_result result, const struct bytes *held, size_t count,
			    void *arg)
{
	struct notify_add add = *(struct notify_add *)arg;

	free(arg);
	if (count)
		notify_start(add.node, held[0]);
	add.done(result, add.arg);
}

void node_notice_add(struct node *n, const struct node_notify *of, node_notice_fn *done, void *arg)
{
	char what[NOTIFY_WHAT_MAX] = "";
	struct notify_add *add = n->redis->store ? malloc(sizeof(*add)) : NULL;

	(void)snprintf(what, sizeof(what), "%s %s %s", of->tenant, of->box, of->message);
	if (!add) {
		done(STORE_UNKNOWN, arg);
		return;
	}
	*add = (struct notify_add){ n, done, arg };
	notify_task(n,
		    of->due_utc_ms || g_notifications.count >= NOTIFY_MAX ? STORE_TASK_ADD
									  : STORE_TASK_NOW,
		    bytes_str(what), of->due_utc_ms ? of->due_utc_ms : clock_utc_ms(),
		    notify_on_added, add);
}

/* ---- turns ---- */

static void notify_on_claimed(enum store_result result, const struct bytes *held, size_t count,
			      void *arg)
{
	struct node *n = arg;

	(void)result;
	g_notifications.taking = false;
	if (count == STORE_TASKS_MAX)
		g_notifications.take_ns = 0;
	for (size_t i = 0; i < count; i++)
		notify_start(n, held[i]);
}

void node_notices_beat(struct node *n, uint64_t now_ns)
{
	struct notices *all = &g_notifications;

	if (!n->redis->store || !redis_is_connected(n->redis->link))
		return;
	if (!all->taking && now_ns >= all->take_ns && all->count + STORE_TASKS_MAX <= NOTIFY_MAX) {
		all->taking = true;
		all->take_ns = now_ns + NOTIFY_CLAIM_MS * NS_PER_MS;
		notify_task(n, STORE_TASK_CLAIM, (struct bytes){ 0 }, 0, notify_on_claimed, n);
	}
	for (struct notify_run *run = all->first; run; run = run->next) {
		if (now_ns < run->hold_ns)
			continue;
		run->hold_ns = now_ns + STORE_TASK_HELD_MS / 3 * NS_PER_MS;
		/* a task that is not held any more goes on: stopping would only repeat it */
		notify_task(n, STORE_TASK_HOLD, bytes_str(run->what), 0, NULL, NULL);
	}
}
