/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/golden.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "sig/call/legs.h"
#include "sig/record/call_record.h"
#include "sig/record/room_record.h"
#include "sig/shard/shard_state.h"
#include "tests/sim/shape.h"
#include "tests/sim/sim.h"

#define HANG_UP_NS (60 * NS_PER_S) /* whatever lasts until then is ended by the operator */
#define END_NS     (200 * NS_PER_S)

#define ROOM "room-" /* records of conferences begin with that */

enum {
	PATH_MAX_N = 512,
	RECORD_MAX = 1 << 16,
	LINE_MAX_N = 256,
	MET_MAX = 1 << 16,
	HARVEST_FORMAT = 19, /* of those below there are enough */
};

/* ---- the harvest ---- */

static bool read_file(const char *path, struct text *out)
{
	uint8_t *space = malloc(RECORD_MAX);
	FILE *f = fopen(path, "rb");
	size_t n = f && space ? fread(space, 1, RECORD_MAX, f) : 0;
	bool ok = n && n < RECORD_MAX && text_set(out, bytes_mem(space, n)) == 0;

	if (f)
		(void)fclose(f);
	free(space);
	return ok;
}

static int is_record(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strcmp(e->d_name + n - 4, ".bin") == 0;
}

static void path_of(char out[PATH_MAX_N], const char *folder, const char *name)
{
	(void)snprintf(out, PATH_MAX_N, "%s/%s.bin", folder, name);
}

static void write_new(const char *folder, const char *name, struct bytes record)
{
	char path[PATH_MAX_N];
	FILE *f;

	path_of(path, folder, name);
	f = fopen(path, "wbx");
	if (!f)
		return; /* there is one */
	(void)fwrite(record.p, 1, record.n, f);
	(void)fclose(f);
	(void)printf("# %s\n", name);
}

/* What records have that were met. */
static uint64_t met_list[MET_MAX];

/* True: not before. */
static bool is_new(const char *what)
{
	static const struct hash_key key = { 7, 8 };
	uint64_t hash = hash_sip(&key, bytes_str(what)) | 1;
	uint32_t at = hash % MET_MAX;

	while (met_list[at] && met_list[at] != hash)
		at = (at + 1) % MET_MAX;
	if (met_list[at])
		return false;
	met_list[at] = hash;
	return true;
}

/* The first thing of it that is new becomes its name: a field that is set, or states of call, legs and INVITE in a format. */
static bool name_of(const struct shape *shape, const char *what, char name[PATH_MAX_N])
{
	char states[SHAPE_NAME_MAX + 16];
	const char *first = NULL;

	(void)snprintf(states, sizeof(states), "%s%u-%s", what, shape->format, shape->states);
	for (uint32_t i = 0; i < shape->field_count; i++) {
		if (is_new(shape->fields[i]) && !first)
			first = shape->fields[i];
	}
	(void)snprintf(name, PATH_MAX_N, "%s%u-%s", what, shape->format,
		       first ? first : shape->states);
	return (shape->format >= HARVEST_FORMAT && is_new(states)) || first;
}

/* Those that are in the folder have been met. */
static void meet(const struct call_host *h, const char *folder)
{
	static struct shape shape;
	struct dirent **list = NULL;
	int n = scandir(folder, &list, is_record, alphasort);
	char path[PATH_MAX_N], name[PATH_MAX_N];

	for (int i = 0; i < n; i++) {
		struct text record = { 0 };
		bool room = strncmp(list[i]->d_name, ROOM, strlen(ROOM)) == 0;

		list[i]->d_name[strlen(list[i]->d_name) - 4] = '\0';
		path_of(path, folder, list[i]->d_name);
		if (read_file(path, &record) && (room ? shape_of_room(&shape, text_bytes(&record))
						      : shape_of(&shape, h, text_bytes(&record))))
			(void)name_of(&shape, room ? ROOM : "", name);
		text_clear(&record);
		free(list[i]);
	}
	free(list);
}

static void harvest(struct sim *s, const char *folder, struct bytes record, bool room)
{
	static struct shape shape;
	static bool met;
	struct shard *core = node_core_any(&s->nodes[0]);
	char name[PATH_MAX_N];

	if (!core)
		return;
	if (!met)
		meet(&core->host, folder);
	met = true;
	if (!(room ? shape_of_room(&shape, record) : shape_of(&shape, &core->host, record)))
		return;
	if (id_shard(shape.call) != SHARD_FIRST) /* a node that finds one has that alone */
		return;
	if (name_of(&shape, room ? ROOM : "", name))
		write_new(folder, name, record);
}

void golden_harvest(struct sim *s, const char *folder, struct bytes record)
{
	harvest(s, folder, record, false);
}

void golden_harvest_room(struct sim *s, const char *folder, struct bytes record)
{
	harvest(s, folder, record, true);
}

/* ---- what is said ---- */

static void say(struct golden_story *story, const char *what)
{
	size_t n = strlen(story->text), length = strlen(what);
	const char *at = story->text;

	while ((at = strstr(at, what)) != NULL) {
		if ((at == story->text || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return;
		at++;
	}
	(void)snprintf(story->text + n, sizeof(story->text) - n, "%s%s", n ? " " : "", what);
}

void golden_said(struct golden_story *story, const struct addr *remote, struct bytes message)
{
	struct message_error error;
	struct sip_message m;
	char line[LINE_MAX_N], to[ADDR_TEXT_MAX];

	(void)addr_text(remote, to);
	if (message_parse(&m, message, &error) == 0) {
		if (m.request)
			(void)snprintf(line, sizeof(line), BYTES_FMT "%s>%s",
				       BYTES_ARG(m.method_name), m.body.n ? "+sdp" : "", to);
		else
			(void)snprintf(line, sizeof(line), "%u-" BYTES_FMT "%s>%s", m.status,
				       BYTES_ARG(m.method_name), m.body.n ? "+sdp" : "", to);
		say(story, line);
	}
	message_close(&m);
}

void golden_recorded(struct golden_story *story, const struct request_record *r, const char *act)
{
	char line[LINE_MAX_N];

	(void)snprintf(line, sizeof(line), "recording:%u.%u-", r->number, r->segment);
	for (size_t n = strlen(line); *act && n + 1 < sizeof(line); act++, n++) {
		line[n] = *act == ' ' ? '-' : *act;
		line[n + 1] = '\0';
	}
	say(story, line);
}

/* ---- a node that finds a record ---- */

static void on_hang_up(struct sim *s, const struct event *e)
{
	node_hangup(s, e->a);
}

/* A life without phones, store trouble and kills, in which each name is found. */
static void begin(struct sim *s, struct golden_story *story)
{
	memset(s, 0, sizeof(*s));
	rand_open_seed(&s->rand, 1);
	rand_open_seed(&s->applications, 1);
	rand_open_seed(&s->names.rand, 1);
	rand_open_seed(&s->cluster, 1);
	rand_open_seed(&s->fences, 1);
	s->story = story;
	s->end_ns = END_NS;
	s->net.delay_max_ms = 1;
	s->store.latency_max_us = 100;
	s->phones.extension_count = 4;
	s->node_count = s->shard_count = s->place_count = 1;
	node_begin(s);
	s->nodes[0].settings.media_timeout_ns = 20 * NS_PER_S;
	s->nodes[0].settings.calls_max = 64;
	s->nodes[0].settings.txns_max = 512;
}

/* As this program would have written it. */
static bool write_again(struct sim *s, struct text *record)
{
	const struct call_host *h = &s->nodes[0].shards[0].core->host;
	struct call *c = calloc(1, sizeof(*c));
	struct call_seed *seed = calloc(1, sizeof(*seed));
	const char *reason = "out of memory";
	int err = c && seed ? call_decode(h, c, seed, text_bytes(record), &reason) : -ENOMEM;

	if (err) {
		check_fail(s, "%s", reason);
	} else {
		text_clear(record); /* the call has its own copy of all */
		err = call_encode_with(h, c, seed, record);
		call_free(c);
		call_seed_clear(seed);
	}
	free(c);
	free(seed);
	return !err;
}

/* ---- the state that it gives ---- */

struct state {
	bool tell;
	struct trace trace;
};

/* The number of a field counts, and not what it is called. */
static void add_line(void *arg, const struct field *f)
{
	static uint8_t space[RECORD_MAX * 4];
	struct state *state = arg;
	struct writer w = writer_over(space, sizeof(space));

	WRITER_TEXTS(&w, f->tags, f->unknown ? " unknown " : " ");
	trace_octets(&w, f->value);
	writer_str(&w, "\n");
	trace_text(&state->trace, writer_done(&w));
	if (state->tell)
		(void)printf("%s " BYTES_FMT, f->path, BYTES_ARG(writer_done(&w)));
}

static bool room_written_again(struct sim *s, struct text *record)
{
	const struct call_host *h = &s->nodes[0].shards[0].core->host;
	struct room *r = calloc(1, sizeof(*r));
	const char *reason = "out of memory";
	int err = r ? room_decode(h, r, text_bytes(record), &reason) : -ENOMEM;

	if (err) {
		check_fail(s, "%s", reason);
	} else {
		text_clear(record);
		err = room_encode(h, r, record);
		text_clear(&r->invited);
		text_wipe(&r->unknown);
	}
	free(r);
	return !err;
}

/* As this program has read it: what it writes of it, field by field. False: it is not read. */
static bool state_of(const char *path, bool room, struct state *out)
{
	struct golden_story ignored = { 0 };
	struct sim *s = malloc(sizeof(*s));
	struct text record = { 0 };
	bool ok;

	if (!s)
		exit(2);
	begin(s, &ignored);
	ok = read_file(path, &record) &&
	     (room ? room_written_again(s, &record) : write_again(s, &record)) &&
	     (room ? shape_room_fields(text_bytes(&record), add_line, out)
		   : shape_fields(&s->nodes[0].shards[0].core->host, text_bytes(&record), add_line,
				  out));
	if (!ok)
		(void)printf("%s: %s\n", path, s->check.broken);
	text_clear(&record);
	sim_close(s);
	free(s);
	return ok;
}

static bool put_record(struct sim *s, const char *path, bool again)
{
	struct store_call *c = &s->store.calls[0];
	static struct shape shape;

	if (!read_file(path, &c->record) ||
	    !shape_of(&shape, &s->nodes[0].shards[0].core->host, text_bytes(&c->record))) {
		check_fail(s, "%s: no record", path);
		return false;
	}
	if (again && !write_again(s, &c->record))
		return false;
	c->call = shape.call;
	c->version = shape.version;
	check_stored(s, c->call, c->version);
	sim_after(s, HANG_UP_NS, on_hang_up, 0, c->call, 0);
	return true;
}

static void tell_cdr(const struct sim *s, struct golden_story *story)
{
	char line[LINE_MAX_N];

	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		const struct cdr *cdr = &s->check.seen[i].cdr;

		(void)snprintf(line, sizeof(line), "cdr:%u/%u/%s%s", cdr->sip_status, cdr->q850,
			       cdr->answer_utc_ms ? "answered" : "unanswered",
			       cdr->ringing_utc_ms ? "/rang" : "");
		say(story, line);
	}
}

/* Fills *story. False: an invariant is broken, and *broken is which. */
static bool replay(const char *path, bool again, struct golden_story *story,
		   char broken[LINE_MAX_N])
{
	struct sim *s = malloc(sizeof(*s));

	if (!s)
		exit(2);
	*story = (struct golden_story){ 0 };
	begin(s, story);
	if (put_record(s, path, again)) {
		node_restart(&s->nodes[0]);
		sim_run_on(s);
	}
	tell_cdr(s, story);
	(void)snprintf(broken, LINE_MAX_N, "%s", s->check.broken);
	sim_close(s);
	free(s);
	return broken[0] == '\0';
}

/* ---- a folder of them ---- */

/* The line of a name in a list. */
static bool expected(const char *folder, const char *list, const char *name,
		     struct golden_story *out)
{
	char path[PATH_MAX_N], line[GOLDEN_STORY_MAX + LINE_MAX_N];
	size_t length = strlen(name);
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, list);
	f = fopen(path, "r");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0;
		if (found)
			(void)snprintf(out->text, sizeof(out->text), "%s", line + length + 2);
	}
	if (f)
		(void)fclose(f);
	return found;
}

static bool is_as_expected(const char *folder, const char *name, const struct golden_story *story)
{
	struct golden_story want = { 0 };

	if (!expected(folder, "stories.txt", name, &want)) {
		(void)printf("%s: no line in stories.txt\n", name);
		return false;
	}
	if (strcmp(want.text, story->text) == 0)
		return true;
	(void)printf("%s: the node goes on otherwise\n  before: %s\n  now:    %s\n", name,
		     want.text, story->text);
	return false;
}

/* again: written anew by this program first. */
static bool go_on_with(const char *folder, const char *name, bool again, bool tell)
{
	char path[PATH_MAX_N], broken[LINE_MAX_N];
	struct golden_story story;

	path_of(path, folder, name);
	if (!replay(path, again, &story, broken)) {
		(void)printf("%s%s: %s\n", name, again ? ", written again" : "", broken);
		return false;
	}
	if (!tell)
		return is_as_expected(folder, name, &story);
	(void)printf("%s: %s\n", name, story.text);
	return true;
}

/* fields: it is printed, too. */
static bool has_state(const char *folder, const char *name, const struct golden_way *way)
{
	struct state state = { .tell = way->story };
	struct golden_story want = { 0 };
	char path[PATH_MAX_N], hash[24];
	bool ok;

	path_of(path, folder, name);
	ok = state_of(path, strncmp(name, ROOM, strlen(ROOM)) == 0, &state);
	(void)snprintf(hash, sizeof(hash), "%016" PRIx64, state.trace.hash);
	if (way->hashes) {
		(void)printf("%s: %s\n", name, hash);
	} else if (!expected(folder, "states.txt", name, &want) || strcmp(want.text, hash) != 0) {
		(void)printf("%s: another state than states.txt says: %s, and not %s\n", name, hash,
			     want.text);
		ok = false;
	}
	trace_close(&state.trace);
	return ok;
}

bool golden_replay(const char *folder, const struct golden_way *way)
{
	struct dirent **list = NULL;
	int n = scandir(folder, &list, is_record, alphasort);
	bool all = n > 0, tell = way->story && !way->hashes;

	for (int i = 0; i < n; i++) {
		char *name = list[i]->d_name;

		name[strlen(name) - 4] = '\0';
		if (!tell)
			all &= has_state(folder, name, way);
		if (!way->hashes && strncmp(name, ROOM, strlen(ROOM)) != 0) {
			all &= go_on_with(folder, name, false, tell);
			all &= tell || go_on_with(folder, name, true, false);
		}
		free(list[i]);
	}
	free(list);
	if (!tell && !way->hashes)
		(void)printf("# %d records\n", n);
	return all;
}
