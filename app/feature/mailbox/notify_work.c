/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consequences of a new message, in this order: an event, its transcription, a mail, and that a
 * call about its mailbox is due. Each finished step is one of its marks, so after a crash another
 * node continues. A call is counted before it is made: no two nodes make it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/feature/mailbox/notices.h"
#include "app/feature/recording/deliver.h"
#include "app/node/node.h"
#include "app/node/node_file.h"
#include "app/node/node_helper.h"
#include "app/node/node_life.h"
#include "app/schema/extension.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/zone.h"
#include "sig/host/calendars.h"
#include "sig/shard/shared_tables.h"

enum {
	DRAFT_MS = 60000, /* its caller speaks of it yet */
	AGAIN_MS = 5000,  /* tandem-helper took no request */
	ASKING_MAX = 24,  /* at most wait for servers: tasks without one have room besides */
	FETCH_MS = 2000,  /* its audio comes from another node */
	PAUSE_MAX_MS = 3600000,
	MAIL_MS = 60000,
	TEXT_MS = 60000,
	TEXT_MAX = 4096, /* octets of a transcription that are kept */
	TEXT_TRIES = 3,
	ABSENT_TRIES = 5,  /* then the mail goes without audio */
	MAIL_REFUSALS = 3, /* waiting changes no password */
	CALLS_MOST = 5,
	HOURS_MS = 60000, /* closed: it is looked again */
	REASON_MAX = 160,
	BODY_MAX = 6144,
	STAMP_MAX = 32,
	NOTIFY_ID_MAX = 48, /* of a command */
};

static uint16_t notify_tenant(const struct notify_run *run)
{
	return tenants_find(run->node->common.tenants, bytes_str(run->tenant));
}

/* False: the mailbox is no extension's, and no notification is wanted. */
static bool notify_box(const struct notify_run *run, struct extension_box *out)
{
	return run->node->hooks->box(run->node, run->tenant, bytes_str(run->box), out);
}

/* Returns what is known of former tries of that kind; {} at first. */
static const json_t *row_tries(const json_t *row, const char *kind)
{
	return json_object_get(json_object_get(row, "marks"), kind);
}

static bool tries_are(const json_t *tries, const char *state)
{
	return !strcmp(json_text(tries, "state"), state);
}

/* ---- its files ---- */

/* Paths of its files, on this node or to be fetched. NULL: none, or unreadable here. */
static json_t *notify_files(const struct notify_run *run, const json_t *row)
{
	const char *folder = run->node->settings->recordings.folder, *name;
	json_t *files = json_array();
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(row, "parts"), i, part)
	{
		name = json_text(part, "name");
		if (json_object_get(part, "encrypted")) {
			json_decref(files);
			return NULL;
		}
		(void)json_array_append_new(files,
					    json_pack("{s:s, s:s++, s:s++}", "name",
						      strrchr(name, '/') + 1, "path", folder, "/",
						      name, "fetched", folder, "/.fetched/", name));
	}
	if (json_array_size(files))
		return files;
	json_decref(files);
	return NULL;
}

/* ---- tries ---- */

static uint64_t mail_pause_ms(const struct notify_run *run, uint64_t tries)
{
	uint64_t ms = run->node->settings->mail.retry / NS_PER_MS;

	for (uint64_t i = 1; i < tries && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* Whether tandem-helper has ended without an answer, other than by a server that took too long. */
static bool helper_ended(const struct node *n, const json_t *result)
{
	return !result && !node_helper_runs(n);
}

/* Returns the marks of a failed try. dead: no more tries. */
static json_t *tries_failed(const struct notify_run *run, const json_t *before,
			    const json_t *result, const char *why, bool dead)
{
	char reason[REASON_MAX];
	uint64_t now_ms = clock_utc_ms(), tries = json_count(before, "tries") + 1;
	bool absent = json_flag(result, "absent");
	bool refused = json_flag(result, "refused");
	uint64_t since = json_count(before, "since"), pause = mail_pause_ms(run, tries);

	(void)snprintf(reason, sizeof(reason), "%s", result ? json_text(result, "reason") : why);
	for (char *p = reason; *p; p++)
		*p = *p < ' ' || *p > '~' ? '?' : *p;
	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "state", dead ? "dead" : "waits",
		"tries", (json_int_t)tries, "since", (json_int_t)(since ? since : now_ms),
		"refusals", (json_int_t)(refused ? json_count(before, "refusals") + 1 : 0),
		"absent", (json_int_t)(json_count(before, "absent") + absent), "unasked",
		(json_int_t)(json_count(before, "unasked") + helper_ended(run->node, result)),
		"next", (json_int_t)(now_ms + (absent ? FETCH_MS : pause)), "reason", reason);
}

/* Returns the row of the answer, which the caller frees. */
static json_t *notify_answered(struct notify_run *run)
{
	json_t *row = run->row;

	g_notifications.asking--;
	run->row = NULL;
	return row;
}

/* Sends a request to tandem-helper. The row is kept until its answer.
 * False: refused, and the task is due again later. */
static bool notify_asks(struct notify_run *run, const json_t *row, const char *kind, json_t *args,
			uint32_t ms, child_answer_fn *done)
{
	struct notices *all = &g_notifications;

	run->row = json_incref((json_t *)(uintptr_t)row);
	if (++all->asking > ASKING_MAX)
		json_decref(args);
	else if (node_helper_request(run->node, kind, args, notify_tenant(run), ms, done, run))
		return true;
	json_decref(notify_answered(run));
	notify_end(run, clock_utc_ms() + AGAIN_MS);
	return false;
}

/* Fetches the message's audio from the node that has it. */
static void notify_fetch(const struct notify_run *run, const json_t *result)
{
	if (json_flag(result, "absent") &&
	    !node_deliver_fetch(run->node, run->tenant, run->message))
		LOG_WARN("mail", 0, "audio of a message cannot be fetched",
			 LOG_STR("message", run->message));
}

/* ---- its text ---- */

static void text_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct notify_run *run = arg;
	json_t *row = notify_answered(run), *marks = json_object();
	const json_t *before = row_tries(row, "texts");
	const char *text = json_string_value(json_object_get(result, "text"));
	uint64_t tries = json_count(before, "tries") + 1;
	/* audio being fetched, or a death of tandem-helper, says nothing about the server */
	uint64_t excused = json_count(before, "absent") + json_count(before, "unasked") +
			   helper_ended(n, result);
	bool dead = tries >= TEXT_TRIES + ABSENT_TRIES || tries - excused >= TEXT_TRIES ||
		    json_flag(result, "refused");

	notify_fetch(run, result);
	if (text) {
		struct bytes all = bytes_mem(text, strlen(text)),
			     kept = bytes_sub(all, 0, TEXT_MAX);

		while (kept.n < all.n && kept.n && (all.p[kept.n] & 0xc0) == 0x80)
			kept.n--; /* no half of a character */
		(void)json_object_set_new(marks, "text",
					  json_stringn((const char *)kept.p, kept.n));
		(void)json_object_set_new(marks, "texts", json_pack("{s:s}", "state", "done"));
	} else {
		(void)json_object_set_new(marks, "texts",
					  tries_failed(run, before, result, why, dead));
		LOG_WARN("mail", 0,
			 dead ? "a message is not transcribed" : "a message is not transcribed yet",
			 LOG_STR("message", run->message),
			 LOG_STR("why", result ? json_text(result, "reason") : why));
	}
	json_decref(row);
	notify_mark(run, marks);
}

/* Starts the transcription. False: none is wanted, or no longer. */
static bool notify_text(struct notify_run *run, const json_t *row, const struct extension_box *box)
{
	const struct settings_transcription *s = &run->node->settings->transcription;
	const json_t *tries = row_tries(row, "texts");
	char key[NODE_SECRET_MAX];
	json_t *files, *args;

	if (!box->transcribe || !s->url[0] || tries_are(tries, "done") || tries_are(tries, "dead"))
		return false;
	if (json_count(tries, "next") > clock_utc_ms()) {
		notify_end(run, json_count(tries, "next"));
		return true;
	}
	files = notify_files(run, row);
	if (!files)
		return false;
	(void)node_secret_read(s->key_file, key);
	args = json_pack("{s:s, s:s, s:s, s:s, s:o}", "url", s->url, "ca", s->ca, "secret", key,
			 "model", s->model, "files", files);
	explicit_bzero(key, sizeof(key));
	(void)notify_asks(run, row, "transcribe", args, TEXT_MS, text_on_answer);
	return true;
}

/* ---- a mail ---- */

static void mail_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct notify_run *run = arg;
	json_t *row = notify_answered(run);
	const json_t *before = row_tries(row, "mail");
	bool sent = result && !json_object_get(result, "reason");
	uint64_t since = json_count(before, "since"), now_ms = clock_utc_ms();
	bool refused = json_flag(result, "refused");
	bool dead = (since && now_ms > since + n->settings->mail.give_up / NS_PER_MS) ||
		    (refused && json_count(before, "refusals") + 1 >= MAIL_REFUSALS);
	json_t *now = sent ? json_pack("{s:s, s:I, s:b}", "state", "sent", "tries",
				       (json_int_t)json_count(before, "tries") + 1, "audio",
				       json_flag(row, "with_audio"))
			   : tries_failed(run, before, result, why, dead);

	notify_fetch(run, result);
	if (!sent)
		LOG_WARN("mail", 0,
			 dead ? "a mail is given up: message.get shows why"
			      : "a mail was not taken, and is tried again",
			 LOG_STR("tenant", run->tenant), LOG_STR("mailbox", run->box),
			 LOG_STR("message", run->message),
			 LOG_STR("why", result ? json_text(result, "reason") : why));
	json_decref(row);
	notify_mark(run, json_pack("{s:o}", "mail", now));
}

/* When it was said, by the clock of the tenant. */
static void mail_stamp(const struct notify_run *run, char out[STAMP_MAX], const json_t *row)
{
	const char *own = tenants_terms(run->node->common.tenants, notify_tenant(run))->zone;
	int64_t at_s = (int64_t)(json_count(row, "begun_utc_ms") / 1000);
	int32_t utc_offset_s =
		calendars_offset_s(run->node->common.shared_tables->calendars, own, at_s);
	time_t local_s = (time_t)(at_s + utc_offset_s);
	char text[STAMP_MAX] = "";
	struct tm tm;

	if (gmtime_r(&local_s, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(out, STAMP_MAX, "%.20s %c%02d%02d", text, utc_offset_s < 0 ? '-' : '+',
		       abs(utc_offset_s) / 3600, abs(utc_offset_s) / 60 % 60);
}

static json_t *mail_args(const struct notify_run *run, const json_t *row,
			 const struct extension_box *box, const char *secret)
{
	const struct settings_mail *s = &run->node->settings->mail;
	const char *text = json_text(json_object_get(row, "marks"), "text");
	const char *name = json_text(row, "from_name"), *number = json_text(row, "from");
	json_t *from = name[0] ? json_sprintf("%s (%s)", name, number) : json_string(number);
	const char *caller = from ? json_string_value(from) : number;
	bool urgent = json_flag(row, "urgent");
	char stamp[STAMP_MAX], *body = malloc(BODY_MAX);
	json_t *args;

	mail_stamp(run, stamp, row);
	if (body)
		(void)snprintf(body, BODY_MAX,
			       "From: %s\r\nTo: %s\r\nTime: %s\r\nSeconds: %u\r\n%s%s%s\r\n",
			       caller, run->box, stamp,
			       (unsigned)(json_count(row, "duration_ms") / 1000),
			       urgent ? "Urgent\r\n" : "", text[0] ? "\r\n" : "", text);
	args = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s++, s:s++++, s:s}", "url", s->url,
			 "ca", s->ca, "user", s->user, "secret", secret, "starttls", s->starttls,
			 "from", s->from, "to", box->mail, "subject",
			 urgent ? "Urgent message from " : "New message from ", caller, "", "id",
			 run->message, ".", run->box, ".tandem@", run->tenant, "text",
			 body ? body : "");
	free(body);
	json_decref(from);
	return args;
}

/* Sends the mail. False: none is wanted, or no longer. */
static bool notify_mail(struct notify_run *run, const json_t *row, const struct extension_box *box)
{
	const struct settings_mail *s = &run->node->settings->mail;
	const json_t *tries = row_tries(row, "mail");
	char secret[NODE_SECRET_MAX];
	json_t *args, *files = NULL;

	if (!box->mail[0] || !s->url[0] || tries_are(tries, "sent") || tries_are(tries, "dead"))
		return false;
	if (json_count(tries, "next") > clock_utc_ms()) {
		notify_end(run, json_count(tries, "next"));
		return true;
	}
	if (!box->mail_no_audio && json_count(tries, "absent") < ABSENT_TRIES)
		files = notify_files(run, row);
	(void)json_object_set_new((json_t *)(uintptr_t)row, "with_audio",
				  json_boolean(files != NULL));
	(void)node_secret_read(s->password_file, secret);
	args = mail_args(run, row, box, secret);
	explicit_bzero(secret, sizeof(secret));
	if (files)
		(void)json_object_set_new(args, "files", files);
	(void)notify_asks(run, row, "mail", args, MAIL_MS, mail_on_answer);
	return true;
}

/* Deletes a message that was sent by mail with its audio, if the mailbox says so. */
static bool notify_delete(struct notify_run *run, const json_t *row,
			  const struct extension_box *box)
{
	const json_t *tries = row_tries(row, "mail");
	struct node_box_request ask = notify_request(run, BOX_SET);

	if (!box->mail_delete || !tries_are(tries, "sent") || !json_flag(tries, "audio"))
		return false;
	(void)bytes_cstr(bytes_str(run->message), ask.order.id, sizeof(ask.order.id));
	ask.order.what = BOX_STATE;
	ask.order.state = MESSAGE_DELETED;
	ask.by = BYTES_LIT("mail");
	node_box_request(run->node, &ask, notify_on_message, run);
	return true;
}

/* ---- all of a message ---- */

static void call_on_added(enum store_result result, void *arg)
{
	struct notify_run *run = arg;

	if (result == STORE_OK)
		notify_mark(run, json_pack("{s:b}", "rings", 1));
	else
		notify_end(run, clock_utc_ms() + AGAIN_MS);
}

static bool box_is_notified(const struct extension_box *box, const json_t *row)
{
	return box->notify == BOX_NOTIFY_ALL ||
	       (box->notify == BOX_NOTIFY_URGENT && json_flag(row, "urgent"));
}

static bool notify_call(struct notify_run *run, const json_t *row, const struct extension_box *box)
{
	const struct node_notify notice = { .tenant = run->tenant,
					    .box = run->box,
					    .message = NOTIFY_BOX };

	if (!box_row_is(row, MESSAGE_NEW) || !box_is_notified(box, row) || row_tries(row, "rings"))
		return false;
	node_notice_add(run->node, &notice, call_on_added, run);
	return true;
}

void notify_step(struct notify_run *run, const json_t *row)
{
	struct extension_box box;

	if (box_row_is(row, MESSAGE_DRAFT)) {
		notify_end(run, clock_utc_ms() + DRAFT_MS);
	} else if (box_row_is(row, MESSAGE_DELETED)) {
		notify_end(run, 0);
	} else if (box_row_is(row, MESSAGE_NEW) && !row_tries(row, "told")) {
		node_message_event(run->node, SIG_MESSAGE_NEW, run->tenant, row, "");
		notify_mark(run, json_pack("{s:b}", "told", 1));
	} else if (!notify_box(run, &box) ||
		   (!notify_call(run, row, &box) && !notify_text(run, row, &box) &&
		    !notify_mail(run, row, &box) && !notify_delete(run, row, &box))) {
		notify_end(run, 0);
	}
}

/* ---- calls about a mailbox ---- */

static void call_on_originated(json_t *answer, void *arg)
{
	struct notify_run *run = arg;
	const json_t *error = json_object_get(answer, "error");
	struct extension_box box;
	uint64_t ms = BOX_NOTIFY_RETRY_S * 1000;

	if (error)
		LOG_WARN("mail", 0, "nobody can be called about new messages",
			 LOG_STR("tenant", run->tenant), LOG_STR("mailbox", run->box),
			 LOG_STR("why", json_text(error, "message")));
	json_decref(answer);
	if (notify_box(run, &box) && box.notify_retry_s)
		ms = box.notify_retry_s * UINT64_C(1000);
	for (uint64_t i = 1; i < json_count(row_tries(run->row, "calls"), "tries"); i++)
		ms *= 2;
	json_decref(run->row);
	run->row = NULL;
	notify_end(run, clock_utc_ms() + ms);
}

/* Makes the call, which is counted already. */
static void call_make(struct notify_run *run, const json_t *row)
{
	struct extension_box box, other;
	const char *to = run->box;
	char id[NOTIFY_ID_MAX];
	json_t *args;

	if (!notify_box(run, &box)) {
		notify_end(run, 0);
		return;
	}
	run->row = json_incref((json_t *)(uintptr_t)row);
	if (box.notify_to[0])
		to = box.notify_to;
	(void)snprintf(id, sizeof(id), "box %s %u", run->message,
		       (unsigned)json_count(row_tries(row, "calls"), "tries"));
	args = json_pack("{s:s, s:s, s:s}", "from", to, "flow", "message-call", "mailbox",
			 run->box);
	if (!run->node->hooks->box(run->node, run->tenant, bytes_str(to), &other))
		(void)json_object_set_new(args, "payer", json_string(run->box));
	run->node->hooks->originate(run->node, run->tenant, id, args, call_on_originated, run);
}

static void call_on_counted(const struct node_box_answer *answer, void *arg)
{
	struct notify_run *run = arg;
	const json_t *row = json_array_get(answer->rows, 0);

	(void)snprintf(run->message, sizeof(run->message), "%s", json_text(row, "message"));
	if (answer->result == BOX_OK && row && box_row_is(row, MESSAGE_NEW))
		call_make(run, row);
	else
		notify_end(run, clock_utc_ms() + AGAIN_MS);
}

/* In local time of the tenant; from evening until morning, too. */
static bool call_is_in_times(const struct notify_run *run, uint32_t from, uint32_t until)
{
	const char *own = tenants_terms(run->node->common.tenants, notify_tenant(run))->zone;
	int64_t utc_s = (int64_t)(clock_utc_ms() / 1000),
		local_s = utc_s + calendars_offset_s(run->node->common.shared_tables->calendars,
						     own, utc_s);
	uint32_t now = (uint32_t)((local_s - civil_day(local_s) * ZONE_DAY_S) / 60);

	return from <= until ? now >= from && now < until : now >= from || now < until;
}

static bool call_is_in_hours(const struct notify_run *run, const struct extension_box *box)
{
	uint32_t from, until;
	const struct calendar *c =
		box->notify_hours[0]
			? calendars_find(run->node->common.shared_tables->calendars,
					 notify_tenant(run), bytes_str(box->notify_hours))
			: NULL;

	if (box_times_read(box->notify_hours, &from, &until))
		return call_is_in_times(run, from, until);
	return !box->notify_hours[0] ||
	       (c && !strcmp(calendar_word(c, (int64_t)(clock_utc_ms() / 1000)), "open"));
}

/* The newest one that is to be told of: as long as it is new, and was not told of too often. */
static void call_on_newest(const struct node_box_answer *answer, void *arg)
{
	struct notify_run *run = arg;
	const json_t *row = json_array_get(answer->rows, 0);
	uint64_t tries = json_count(row_tries(row, "calls"), "tries");
	struct node_box_request ask = notify_request(run, BOX_SET);
	struct extension_box box;

	if (answer->result == BOX_UNKNOWN) {
		notify_end(run, clock_utc_ms() + AGAIN_MS);
	} else if (!row || tries >= CALLS_MOST || !notify_box(run, &box) ||
		   !box_is_notified(&box, row)) {
		notify_end(run, 0);
	} else if (!call_is_in_hours(run, &box)) {
		notify_end(run, clock_utc_ms() + HOURS_MS);
	} else {
		(void)bytes_cstr(bytes_str(json_text(row, "message")), ask.order.id,
				 sizeof(ask.order.id));
		ask.marks = json_pack("{s:{s:I}}", "calls", "tries", (json_int_t)tries + 1);
		ask.quiet = true;
		node_box_request(run->node, &ask, call_on_counted, run);
		json_decref(ask.marks);
	}
}

void notify_calls(struct notify_run *run)
{
	struct node_box_request ask = notify_request(run, BOX_LIST);
	struct extension_box box;

	if (!notify_box(run, &box) || box.notify == BOX_NOTIFY_NONE) {
		notify_end(run, 0);
		return;
	}
	ask.sets = box.notify == BOX_NOTIFY_ALL ? "new urgent" : "urgent";
	ask.most = 1;
	ask.order.newest_first = true;
	node_box_request(run->node, &ask, call_on_newest, run);
}
