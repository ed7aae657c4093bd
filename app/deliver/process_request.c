/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that the node passes to tandem-store: lists, one recording, dead letters, and orders to
 * change, delete or deliver again. The folder is the state: each answer is made of files and their
 * marks at that moment. Nothing that is being delivered is changed. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/aes128gcm.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_member.h"
#include "base/log.h"

enum { ASK_LIMIT = 100, ASK_LIMIT_MOST = 1000, ASK_PARTS_MAX = 32 };

struct ask {
	struct process *p;
	json_t *result;
	const char *error, *message; /* NULL: it went well */
	const char *tenant;          /* "": any */
	const json_t *args;
	uint64_t limit, done;
	struct entry_list list; /* of recording.list */
};

static const char *ask_text(const struct ask *a, const char *key)
{
	return json_text(a->args, key);
}

static void ask_fail(struct ask *a, const char *error, const char *message)
{
	a->error = error;
	a->message = message;
}

/* ---- one recording as JSON ---- */

json_t *process_sidecar(const struct process *p, const char *path, enum folder_gone gone)
{
	json_t *json = NULL;
	char *text;
	size_t n;
	int err = gone == FOLDER_HERE || gone == FOLDER_LOST
			  ? folder_sidecar_load(p->terms.folder, path, &text, &n)
			  : folder_trace_load(p->terms.folder, path, gone, &text, &n);

	if (!err) {
		json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
		free(text);
	}
	if (!json_is_object(json)) {
		json_decref(json);
		json = json_object();
	}
	return json;
}

enum entry_state process_state(const struct process *p, const struct folder_entry *entry)
{
	if (entry->gone == FOLDER_LOST)
		return ENTRY_LOST;
	switch (entry->state) {
	case FOLDER_NEW:
		return terms_stores(&p->terms, entry->tenant, entry->boxed) ? ENTRY_WAITS
									    : ENTRY_KEPT;
	case FOLDER_DONE:
		return ENTRY_DELIVERED;
	case FOLDER_DEAD:
		return ENTRY_DEAD;
	case FOLDER_JOB:
	case FOLDER_STATES:
		break;
	}
	return ENTRY_WAITS;
}

static const char *ask_state(const struct process *p, const struct folder_entry *entry)
{
	return g_entry_states[process_state(p, entry)];
}

static json_t *ask_deliveries(const struct process *p, const char *path, enum folder_state state)
{
	json_t *list = json_array();
	struct job j;

	if (state == FOLDER_NEW || folder_job_read(p->terms.folder, path, state, &j))
		return list;
	for (uint32_t i = 0; i < j.count; i++) {
		const struct delivery *d = &j.of[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "to", d->to, "state",
					g_delivery_states[d->state], "tries", (json_int_t)d->tries,
					"first_utc_ms", (json_int_t)d->first_ms, "next_utc_ms",
					(json_int_t)(d->state == DELIVERY_WAITS ? d->next_ms : 0),
					"reason", d->reason));
	}
	return list;
}

static json_t *ask_entry(const struct process *p, const struct folder_entry *entry)
{
	json_t *all = process_sidecar(p, entry->path, FOLDER_HERE), *json = json_object();

	(void)json_object_set_new(json, "name", json_string(entry->path));
	(void)json_object_set_new(json, "tenant", json_string(entry->tenant));
	(void)json_object_set_new(json, "state", json_string(ask_state(p, entry)));
	(void)json_object_set_new(json, "node", json_string(p->terms.node));
	entry_facts(json, all);
	json_decref(all);
	return json;
}

/* ---- lists ---- */

/* Of what its sidecar says. */
static bool ask_wants_facts(const struct ask *a, const char *path)
{
	const char *party = ask_text(a, "party"), *mailbox = ask_text(a, "mailbox");
	const json_t *heard = json_object_get(a->args, "heard");
	json_t *facts;
	bool wants;

	if (!party[0] && !mailbox[0] && !heard && !json_object_get(a->args, ENTRY_SINCE_MS) &&
	    !json_object_get(a->args, ENTRY_UNTIL_MS))
		return true;
	facts = process_sidecar(a->p, path, FOLDER_HERE);
	wants = (!party[0] || entry_is_of(facts, party)) &&
		(!mailbox[0] || entry_lies_in(facts, mailbox)) &&
		(!heard || entry_has_audio(facts) == json_is_true(heard)) &&
		entry_is_between(facts, a->args);
	json_decref(facts);
	return wants;
}

/* Tenants by name, and in each the last path first: it is behind the one that is named. */
static bool ask_is_after(const struct ask *a, const struct folder_entry *entry)
{
	const char *after = ask_text(a, "after");
	char tenant[SIDECAR_TENANT_MAX];
	int order;

	folder_tenant(after, tenant);
	order = strcmp(entry->tenant, tenant);
	return !after[0] || order > 0 || (!order && strcmp(entry->path, after) < 0);
}

/* What its path says: that is read already. */
static bool ask_wants_path(const struct ask *a, const struct folder_entry *entry)
{
	const char *call = ask_text(a, "call"), *until = ask_text(a, ENTRY_UNTIL_DAY);

	return folder_path_fits(bytes_str(entry->path)) && ask_is_after(a, entry) &&
	       !strncmp(strrchr(entry->path, '/') + 1, call, strlen(call)) &&
	       (!until[0] || strcmp(entry->date, until) <= 0);
}

static bool ask_wants(const struct ask *a, const struct folder_entry *entry)
{
	const char *state = ask_text(a, "state");

	return (!state[0] || !strcmp(state, ask_state(a->p, entry))) &&
	       ask_wants_facts(a, entry->path);
}

static bool ask_list_entry(const struct folder_entry *entry, void *arg)
{
	struct ask *a = arg;

	if (ask_wants_path(a, entry))
		entry_list_add(&a->list, ask_entry(a->p, entry), ask_wants(a, entry));
	return !entry_list_is_full(&a->list);
}

static bool ask_delivery_entry(const struct folder_entry *entry, void *arg)
{
	struct ask *a = arg;
	const char *state = ask_state(a->p, entry);

	if (!ask_wants_path(a, entry) || !ask_wants(a, entry) || entry->state == FOLDER_DONE ||
	    !strcmp(state, "kept"))
		return true;
	(void)json_array_append_new(a->result,
				    json_pack("{s:s, s:s, s:s, s:o}", "name", entry->path, "tenant",
					      entry->tenant, "state", state, "deliveries",
					      ask_deliveries(a->p, entry->path, entry->state)));
	return json_array_size(a->result) < a->limit;
}

/* What happened last comes first. */
static void ask_walk(struct ask *a, folder_fn *fn)
{
	const char *since = ask_text(a, ENTRY_SINCE_DAY);

	(void)folder_walk_back(a->p->terms.folder, a->tenant, since[0] ? since : NULL, fn, a);
}

static void ask_list(struct ask *a)
{
	entry_list_start(&a->list, a->limit);
	ask_walk(a, ask_list_entry);
	a->result = entry_list_end(&a->list);
}

static void ask_deliveries_list(struct ask *a)
{
	a->result = json_array();
	ask_walk(a, ask_delivery_entry);
}

/* ---- one ---- */

/* Files under a name, and their marks. */
struct ask_one {
	const char *path;
	struct folder_entry entry;                /* of that name; path "": none */
	struct folder_entry parts[ASK_PARTS_MAX]; /* of the same recording, all of them */
	uint32_t count;
};

/* CALL-NUMBER.wav: one that its parts were made one of has no number there. */
static bool ask_is_whole(const struct folder_entry *entry)
{
	struct bytes stem = entry_stem(entry->path);

	return stem.p[stem.n] == '.' && !isdigit(stem.p[stem.n + 1]);
}

/* A file encrypted for nodes is also found by its content's name, as in rows of mailboxes. */
static bool ask_is_named(const char *path, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(path, name, n) && (!path[n] || !strcmp(path + n, AES128GCM_ENDING));
}

static bool ask_find_entry(const struct folder_entry *entry, void *arg)
{
	struct ask_one *one = arg;
	bool is_same = bytes_eq(entry_stem(entry->path), entry_stem(one->path));

	if (ask_is_named(entry->path, one->path) ||
	    (is_same && ask_is_whole(entry) && !one->entry.path[0]))
		one->entry = *entry;
	if (is_same && one->count < ASK_PARTS_MAX)
		one->parts[one->count++] = *entry;
	return true;
}

/* A message is not that long. */
static void ask_day_before(char date[FOLDER_DATE_LEN + 1], const char *path)
{
	struct tm tm = { 0 };

	date[0] = '\0';
	if (strptime(path + strcspn(path, "/") + 1, "%Y-%m-%d", &tm))
		folder_day(date, (uint64_t)timegm(&tm) - FOLDER_DAY_S);
}

static bool ask_is_message(const struct ask *a, const char *path)
{
	json_t *facts = process_sidecar(a->p, path, FOLDER_HERE);
	bool is = entry_is_message(facts);

	json_decref(facts);
	return is;
}

/* Of the tenant that asks. A part of a message that is one with others by now is those. */
static bool ask_find(struct ask *a, struct ask_one *one)
{
	char tenant[SIDECAR_TENANT_MAX], date[FOLDER_DATE_LEN + 1];

	*one = (struct ask_one){ .path = ask_text(a, "name") };
	if (folder_path_fits(bytes_str(one->path))) {
		folder_tenant(one->path, tenant);
		ask_day_before(date, one->path);
		if (!a->tenant[0] || !strcmp(a->tenant, tenant))
			(void)folder_walk(a->p->terms.folder, tenant, date, ask_find_entry, one);
	}
	if (one->entry.path[0] &&
	    (ask_is_named(one->entry.path, one->path) || ask_is_message(a, one->entry.path)))
		return true;
	ask_fail(a, "not_found", "there is no such recording: recording.list has them");
	return false;
}

static void ask_get(struct ask *a)
{
	struct ask_one one;
	const struct folder_entry *entry = &one.entry;
	char tenant[SIDECAR_TENANT_MAX];

	if (!ask_find(a, &one))
		return;
	folder_tenant(entry->path, tenant);
	one.entry.tenant = tenant;
	a->result = process_sidecar(a->p, entry->path, FOLDER_HERE);
	(void)json_object_set_new(a->result, "name", json_string(entry->path));
	(void)json_object_set_new(a->result, "state", json_string(ask_state(a->p, entry)));
	(void)json_object_set_new(a->result, "node", json_string(a->p->terms.node));
	(void)json_object_set_new(a->result, "deliveries",
				  ask_deliveries(a->p, entry->path, entry->state));
}

/* The node signs its name when it is there. */
static void ask_link(struct ask *a)
{
	struct ask_one one;

	if (!ask_find(a, &one))
		return;
	if (one.entry
		    .path[aes128gcm_stem(one.entry.path)]) /* it is fetched, which makes it plain */
		ask_fail(a, "not_found", "it lies here encrypted");
	else
		a->result = json_pack("{s:s}", "name", one.entry.path);
}

/* Finds one that may be changed, with all parts of a message: none is being delivered now. */
static bool ask_find_idle(struct ask *a, struct ask_one *one)
{
	if (!ask_find(a, one))
		return false;
	if (!ask_is_message(a, one->entry.path)) {
		one->parts[0] = one->entry;
		one->count = 1;
	}
	for (uint32_t i = 0; i < one->count; i++) {
		const struct queue_job *q = queue_find(&a->p->queue, bytes_str(one->parts[i].path));

		if (!q || !q->busy)
			continue;
		ask_fail(a, "busy", "it is being delivered: try again when it is");
		return false;
	}
	return true;
}

static void ask_delete(struct ask *a)
{
	struct ask_one one;

	if (!ask_find_idle(a, &one))
		return;
	for (uint32_t i = 0; i < one.count; i++)
		process_delete(a->p, one.parts[i].path, "somebody asked for it");
	a->result = json_pack("{s:s}", "name", one.path);
}

/* ---- its mailbox, and whether it was heard ---- */

static void ask_sidecar_change(const struct ask *a, json_t *sidecar)
{
	json_t *heard = json_object_get(a->args, "heard");

	if (!json_object_get(a->args, "mailbox"))
		;
	else if (ask_text(a, "mailbox")[0])
		(void)json_object_set_new(sidecar, "mailbox", json_string(ask_text(a, "mailbox")));
	else
		(void)json_object_del(sidecar, "mailbox");
	if (heard)
		(void)json_object_set_new(sidecar, "heard", json_boolean(json_is_true(heard)));
}

static int sidecar_write(const struct process *p, const char *path, const json_t *sidecar)
{
	char name[FOLDER_PATH_MAX];
	char *text = json_dumps(sidecar, JSON_COMPACT);
	int err = -ENOMEM;

	folder_path(name, p->terms.folder, path, "json");
	if (text)
		err = strlen(text) > SIDECAR_MAX ? -EFBIG
						 : file_replace(name, 0600, bytes_str(text));
	free(text);
	return err;
}

void process_alive(struct process *p, const char *path, bool heard)
{
	json_t *sidecar = process_sidecar(p, path, FOLDER_HERE);

	if (json_object_size(sidecar) && entry_has_audio(sidecar) != heard) {
		(void)json_object_set_new(sidecar, "heard", json_boolean(heard));
		if (sidecar_write(p, path, sidecar))
			LOG_WARN("recordings", 0, "that a message was heard cannot be written",
				 LOG_STR("file", path));
	}
	json_decref(sidecar);
}

/* False: it cannot be written. */
static bool ask_put_part(struct ask *a, const char *path)
{
	json_t *sidecar = process_sidecar(a->p, path, FOLDER_HERE), *mailbox;
	bool done;

	ask_sidecar_change(a, sidecar);
	mailbox = json_object_get(sidecar, "mailbox");
	done = json_object_size(sidecar) && !sidecar_write(a->p, path, sidecar);
	if (done)
		process_index_changed(a->p, path);
	if (done && !a->result)
		a->result = json_pack("{s:s, s:s, s:b}", "name", ask_text(a, "name"), "mailbox",
				      mailbox ? json_string_value(mailbox) : "", "heard",
				      entry_has_audio(sidecar));
	json_decref(sidecar);
	return done;
}

static bool ask_is_enveloped(const struct ask *a, const char *path)
{
	json_t *facts = process_sidecar(a->p, path, FOLDER_HERE);
	const char *how = json_string_value(json_object_get(facts, "encrypted"));
	bool is = how && strcmp(how, AES128GCM_KIND) != 0;

	json_decref(facts);
	return is;
}

/* The folder is the state: Redis is told of what is there then. */
static void ask_put(struct ask *a)
{
	struct ask_one one;
	bool done = true;

	if (!ask_find_idle(a, &one))
		return;
	if (ask_text(a, "mailbox")[0] && ask_is_enveloped(a, one.entry.path)) {
		ask_fail(a, "conflict", "it is encrypted for a certificate: no node could play it");
		return;
	}
	for (uint32_t i = 0; i < one.count; i++)
		done &= ask_put_part(a, one.parts[i].path);
	if (!done)
		ask_fail(a, "unavailable",
			 "its sidecar cannot be written: look at recordings.folder");
}

static void ask_forward(struct ask *a)
{
	if (process_forward(a->p, a->tenant, a->args))
		ask_fail(a, "unavailable", "it cannot be copied: look at recordings.folder");
	else
		a->result = json_object();
}

/* ---- dead letters ---- */

static bool ask_job_retry(struct ask *a, const char *path)
{
	struct job_event e = { .kind = JOB_ASKED };
	struct job j;

	if (folder_job_read(a->p->terms.folder, path, FOLDER_DEAD, &j))
		return false;
	for (e.delivery = 0; e.delivery < j.count; e.delivery++)
		(void)job_step(&j, &e, &a->p->terms.job, clock_utc_ms(), &a->p->rand);
	if (folder_job_write(a->p->terms.folder, path, &j) ||
	    folder_state_forget(a->p->terms.folder, path, FOLDER_DEAD))
		return false;
	process_index_changed(a->p, path);
	(void)process_queue_put(a->p, path, 0);
	a->p->found.dead -= a->p->found.dead > 0;
	a->p->found.backlog++;
	return true;
}

static bool ask_retry_entry(const struct folder_entry *entry, void *arg)
{
	struct ask *a = arg;

	if (entry->state == FOLDER_DEAD && folder_path_fits(bytes_str(entry->path)))
		a->done += ask_job_retry(a, entry->path);
	return true;
}

static void ask_retry(struct ask *a)
{
	struct ask_one one;

	if (!ask_text(a, "name")[0]) {
		(void)folder_walk(a->p->terms.folder, a->tenant, NULL, ask_retry_entry, a);
	} else if (!ask_find(a, &one)) {
		return;
	} else if (one.entry.state != FOLDER_DEAD) {
		ask_fail(a, "conflict",
			 "it is no dead letter: delivery.list says what it waits for");
		return;
	} else {
		a->done += ask_job_retry(a, one.entry.path);
	}
	a->result = json_pack("{s:I}", "retried", (json_int_t)a->done);
}

/* ---- which ---- */

static void ask_run(struct ask *a, const char *command)
{
	if (!a->p->configured)
		ask_fail(a, "unavailable", "the process that stores recordings has just begun");
	else if (!strcmp(command, "recording.list"))
		ask_list(a);
	else if (!strcmp(command, "recording.get"))
		ask_get(a);
	else if (!strcmp(command, "recording.link"))
		ask_link(a);
	else if (!strcmp(command, "recording.delete"))
		ask_delete(a);
	else if (!strcmp(command, "recording.put"))
		ask_put(a);
	else if (!strcmp(command, "message.forward"))
		ask_forward(a);
	else if (!strcmp(command, "delivery.list"))
		ask_deliveries_list(a);
	else if (!strcmp(command, "delivery.retry"))
		ask_retry(a);
	else
		ask_fail(a, "unavailable", "this version of tandem-store does not know it");
}

void process_on_question(struct process *p, const json_t *line)
{
	const char *command = json_string_value(json_object_get(line, "command"));
	const char *tenant = json_string_value(json_object_get(line, "tenant"));
	struct ask a = { .p = p,
			 .tenant = tenant ? tenant : "",
			 .args = json_object_get(line, "args") };
	json_int_t limit = json_integer_value(json_object_get(a.args, "limit"));

	if (command && !strcmp(command, "recording.fetch") && p->configured &&
	    process_fetch(p, json_integer_value(json_object_get(line, "ask")), a.tenant,
			  ask_text(&a, "recording"), ask_text(&a, "name"),
			  (uint64_t)json_integer_value(json_object_get(a.args, "play"))))
		return;
	a.limit = limit > 0 && limit <= ASK_LIMIT_MOST ? (uint64_t)limit : ASK_LIMIT;
	ask_run(&a, command ? command : "");
	if (a.error) {
		json_decref(a.result);
		process_send_line(p, json_pack("{s:O, s:s, s:s}", "answer",
					       json_object_get(line, "ask"), "error", a.error,
					       "message", a.message));
	} else {
		process_send_line(p, json_pack("{s:O, s:o}", "answer", json_object_get(line, "ask"),
					       "result", a.result));
	}
	process_tell_figures(p);
}
