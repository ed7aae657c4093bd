/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of sounds and the helper thread that fills it: requests and readings go by two rings,
 * entries are shared by reference count. player.c and plays.c get sounds; prompts.c gives
 * works. Memory is bounded, and a sound in use is never dropped. Faults of a file are logged once,
 * however often it is asked for.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sound/sound_prompt.h"
#include "app/sound/sound_stream.h"
#include "app/sound/sounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/table.h"
#include "base/thread.h"

enum {
	ENDLESS_MS = 1000, /* whole periods, of any frequency */
	BEEP_MS = 300,
	NOTE_MS = 150,
	WORKS_MAX = 64,    /* under way */
	STREAMS_MAX = 256, /* as many as are fetched at once */
	STREAM_TURNS = 64, /* before others have one */
	STREAM_WAIT_MS = 20,
};

#define AWAITED_NS (2 * NS_PER_S)

static const struct tone g_beep = { .count = 1, .steps = { { BEEP_MS, { { 1000, -100 } } } } };
/* Two notes, up for a join and down for a leave: short, and below speech. */
static const struct tone g_beep_entry = {
	.count = 2, .steps = { { NOTE_MS, { { 660, -180 } } }, { NOTE_MS, { { 880, -180 } } } }
};
static const struct tone g_beep_exit = {
	.count = 2, .steps = { { NOTE_MS, { { 880, -180 } } }, { NOTE_MS, { { 660, -180 } } } }
};

bool sound_tone_set(struct sound_name *out, struct bytes plan, enum tone_kind kind,
		    uint32_t rate_hz)
{
	const struct tone_plan *p = tone_plan_find(plan);

	memset(out, 0, sizeof(*out)); /* names are compared as octets */
	if (!p)
		return false;
	memcpy(out->file, p->name, strlen(p->name));
	out->tone = (uint8_t)(kind + 1);
	out->rate_hz = rate_hz;
	return true;
}

bool sound_beep_set(struct sound_name *out, struct bytes name, uint32_t rate_hz)
{
	memset(out, 0, sizeof(*out));
	out->kind = SOUND_BEEP;
	out->rate_hz = rate_hz;
	if (bytes_cstr(name, out->file, sizeof(out->file)))
		return false;
	return bytes_is(name, SOUND_BEEP_MARK) || bytes_is(name, SOUND_BEEP_ENTRY) ||
	       bytes_is(name, SOUND_BEEP_EXIT);
}

static const struct tone *sound_beep_of(const char *name)
{
	if (!strcmp(name, SOUND_BEEP_ENTRY))
		return &g_beep_entry;
	return strcmp(name, SOUND_BEEP_EXIT) ? &g_beep : &g_beep_exit;
}

static const struct tone *sound_tone_of(const struct sound_name *name)
{
	if (name->kind == SOUND_BEEP)
		return sound_beep_of(name->file);
	return &tone_plan_find(bytes_str(name->file))->tones[name->tone - 1];
}

struct media_sound *sound_tone_make(const struct sound_name *name, struct sound_fault *fault)
{
	const struct tone *tone = sound_tone_of(name);
	uint32_t period_ms = tone_period_ms(tone), ms = period_ms ? period_ms : ENDLESS_MS;
	struct media_sound *s = media_sound_make(name->rate_hz, ms * (name->rate_hz / 1000));

	*fault = (struct sound_fault){ .reason = s ? NULL : "no memory" };
	if (s)
		tone_render(tone, name->rate_hz, 0, s->samples, s->length);
	return s;
}

/* A request to the helper. */
struct request {
	struct sound_name name;
	uint32_t entry;
	struct prompt_work *work; /* NULL: the name is read */
};

/* A result of it. */
struct reading {
	struct media_sound *sound;
	struct sound_fault fault;
	char hash[PROMPT_HASH_TEXT];
	uint32_t entry;
	bool grown; /* a finished stream's sound: the stream's reference comes back */
	struct prompt_work *work;
};

struct entry {
	struct sound_name name;
	struct media_sound *sound; /* NULL: being read, or with a fault */
	struct sound_fault fault;
	char hash[PROMPT_HASH_TEXT]; /* of the document that it is of */
	uint64_t used_ns;            /* asked for last; of one with a fault: read */
	uint64_t octets;             /* of its samples, as far as is known */
	bool used, reads;
	bool stale; /* the read under way may be of an older file */
};

struct sounds {
	struct sounds_settings settings;
	char *folder;                 /* the helper's */
	_Atomic(char *) folder_fresh; /* a new one, until it is taken; NULL: none */
	struct entry *list;
	uint32_t *keys; /* of their names; 0: free. A name is found by it */
	uint32_t high;  /* entries behind that were never used */
	uint64_t octets;
	struct ring requests, readings; /* with room for all: each entry is read once at a time */
	uint32_t works;                 /* under way */
	struct prompt_cache documents;  /* the helper's */
	struct stream_place {           /* likewise: recordings that still arrive */
		struct sound_stream *stream;
		uint32_t entry;
	} streams[STREAMS_MAX];
	pthread_t thread;
	bool runs;
	_Atomic bool stops; /* the thread ends with the next request, whatever it is */
};

/* ---- the helper ---- */

static void sounds_adopt_folder(struct sounds *s)
{
	/* acquire: pairs with the release in sounds_folder_set, so the path is written */
	char *fresh = atomic_exchange_explicit(&s->folder_fresh, NULL, memory_order_acquire);

	if (!fresh)
		return;
	free(s->folder);
	s->folder = fresh;
}

static int sounds_folder_open(const char *path)
{
	return path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* The time of the file is that of its last use. */
static struct media_sound *speech_read(const struct sounds *s, const struct sound_name *name,
				       struct sound_fault *fault)
{
	int folder = sounds_folder_open(s->settings.speech);
	const char *path = name->hash;
	struct media_sound *sound;

	*fault = (struct sound_fault){ .reason = "it is not said yet", .absent = true };
	if (folder < 0)
		return NULL;
	sound = sound_path_read(folder, &path, 1, name->rate_hz, fault);
	if (sound)
		(void)utimensat(folder, path, NULL, 0);
	(void)close(folder);
	return sound;
}

/* Prompts need no folder of sounds. */
static struct media_sound *sounds_folder_read(const struct sounds *s, const struct sound_name *name,
					      char hash[PROMPT_HASH_TEXT],
					      struct sound_fault *fault)
{
	const struct prompt_places at = { sounds_folder_open(s->folder),
					  sounds_folder_open(s->settings.shipped), &s->documents };
	struct media_sound *sound = NULL;

	*fault = (struct sound_fault){ .reason = "there is no folder of sounds", .absent = true };
	if (name->kind != SOUND_FILE && (at.folder >= 0 || at.shipped >= 0 || s->documents.folder))
		sound = sound_prompt_read(&at, name, hash, fault);
	else if (at.folder >= 0)
		sound = sound_file_read(at.folder, name, fault);
	if (at.folder >= 0)
		(void)close(at.folder);
	if (at.shipped >= 0)
		(void)close(at.shipped);
	return sound;
}

/* The part that has arrived; the rest follows. NULL: complete, or nothing is there. */
static struct media_sound *stream_begin_reading(struct sounds *s, const char *folder,
						const struct request *r)
{
	for (uint32_t i = 0; r->name.kind == SOUND_RECORDING && i < STREAMS_MAX; i++) {
		struct stream_place *at = &s->streams[i];
		struct media_sound *sound;

		if (at->stream)
			continue;
		*at = (struct stream_place){ sound_stream_open(folder, &r->name), r->entry };
		sound = at->stream ? sound_stream_sound(at->stream) : NULL;
		return sound ? media_sound_ref(sound) : NULL; /* not shared yet */
	}
	return NULL;
}

/* This node's, or fetched by tandem-store from other nodes. */
static struct media_sound *recording_any_read(struct sounds *s, const struct request *r,
					      struct sound_fault *fault)
{
	const char *folder = s->settings.recordings;
	bool partial;
	struct media_sound *sound = sound_recording_read(folder, &r->name, &partial, fault);
	char fetched[PATH_MAX];

	if (!folder || (!partial && (sound || !fault->absent)))
		return sound;
	media_sound_unref(sound);
	(void)snprintf(fetched, sizeof(fetched), "%s/.fetched", folder);
	sound = stream_begin_reading(s, fetched, r);
	if (sound || !sound_stream_lacks(fetched, &r->name))
		return sound ? sound : sound_recording_read(fetched, &r->name, &partial, fault);
	*fault = (struct sound_fault){ .reason = SOUND_LACKS, .absent = true };
	return NULL;
}

static struct media_sound *request_read(struct sounds *s, const struct request *r,
					char hash[PROMPT_HASH_TEXT], struct sound_fault *fault)
{
	if (r->name.tone || r->name.kind == SOUND_BEEP)
		return sound_tone_make(&r->name, fault);
	if (r->name.kind == SOUND_SPEECH)
		return speech_read(s, &r->name, fault);
	if (r->name.kind == SOUND_RECORDING || r->name.kind == SOUND_SPOKEN)
		return recording_any_read(s, r, fault);
	return sounds_folder_read(s, &r->name, hash, fault);
}

/* Control may have the last reference: it gets the sound with the message of its end. */
static enum sound_stream_state stream_turn(struct sounds *s, struct stream_place *at)
{
	enum sound_stream_state state = SOUND_STREAM_MORE;
	struct reading done = { .entry = at->entry, .grown = true };

	for (int i = 0; i < STREAM_TURNS && state == SOUND_STREAM_MORE; i++)
		state = sound_stream_step(at->stream, &done.fault);
	if (state != SOUND_STREAM_OVER)
		return state;
	done.sound = sound_stream_sound(at->stream);
	if (!ring_push(&s->readings, &done)) /* with the next turn: it is over once more */
		return SOUND_STREAM_WAITS;
	sound_stream_close(at->stream);
	at->stream = NULL;
	return state;
}

/* Returns how long the helper may sleep. */
static int streams_turn(struct sounds *s)
{
	int ms = -1;

	for (uint32_t i = 0; i < STREAMS_MAX; i++) {
		if (!s->streams[i].stream)
			continue;
		switch (stream_turn(s, &s->streams[i])) {
		case SOUND_STREAM_MORE:
			ms = 0;
			break;
		case SOUND_STREAM_WAITS:
			ms = ms ? STREAM_WAIT_MS : 0;
			break;
		case SOUND_STREAM_OVER:
			break;
		}
	}
	return ms;
}

static void *helper_main(void *arg)
{
	struct sounds *s = arg;
	struct pollfd p = { .fd = s->requests.wake_fd, .events = POLLIN };
	struct request r;

	for (;;) {
		struct reading done = { 0 };
		int ms = streams_turn(s);

		while (ring_pop(&s->requests, &r, 1) == 0) {
			if (ring_sleep(&s->requests))
				(void)poll(&p, 1, ms);
			ring_awake(&s->requests);
			ms = streams_turn(s);
		}
		/* relaxed: it was set before the request was pushed that wakes us */
		if (atomic_load_explicit(&s->stops, memory_order_relaxed)) {
			prompt_work_free(r.work);
			return NULL;
		}
		sounds_adopt_folder(s);
		done.entry = r.entry;
		done.work = r.work;
		if (r.work)
			prompt_cache_work(&s->documents, r.work);
		else
			done.sound = request_read(s, &r, done.hash, &done.fault);
		(void)ring_push(&s->readings, &done);
	}
}

/* ---- entries ---- */

static uint64_t sound_octets_of(const struct media_sound *sound)
{
	return (uint64_t)media_sound_ready(sound) * sizeof(sound->samples[0]);
}

static void entry_drop(struct sounds *s, struct entry *e)
{
	s->octets -= e->octets;
	media_sound_unref(e->sound);
	*e = (struct entry){ 0 };
	s->keys[e - s->list] = 0;
}

/* Unused, and not waited for. */
static bool is_idle(const struct entry *e)
{
	return e->used && !e->reads && (!e->sound || e->sound->references == 1);
}

static struct entry *longest_unused(const struct sounds *s)
{
	struct entry *oldest = NULL;

	for (uint32_t i = 0; i < s->high; i++) {
		struct entry *e = &s->list[i];

		if (is_idle(e) && (!oldest || e->used_ns < oldest->used_ns))
			oldest = e;
	}
	return oldest;
}

static uint32_t sound_key(const struct sound_name *name)
{
	uint32_t key = hash_crc32c(0, bytes_mem(name, sizeof(*name)));

	return key ? key : 1;
}

static struct entry *sound_find(const struct sounds *s, const struct sound_name *name)
{
	uint32_t key = sound_key(name);

	for (uint32_t i = 0; i < s->high; i++)
		if (s->keys[i] == key && memcmp(&s->list[i].name, name, sizeof(*name)) == 0)
			return &s->list[i];
	return NULL;
}

/* NULL: all are in use. */
static struct entry *entry_place(struct sounds *s)
{
	struct entry *e;

	for (uint32_t i = 0; i < s->high; i++)
		if (!s->keys[i])
			return &s->list[i];
	if (s->high < s->settings.count)
		return &s->list[s->high++];
	e = longest_unused(s);
	if (e)
		entry_drop(s, e);
	return e;
}

static void sound_read(struct sounds *s, struct entry *e)
{
	const struct request r = { .name = e->name, .entry = (uint32_t)(e - s->list) };
	bool room = ring_push(&s->requests, &r);

	assert(room);
	(void)room;
	e->reads = true;
	e->stale = false;
}

/* ---- requests ---- */

static enum sounds_answer entry_answer(struct sounds *s, struct entry *e, uint64_t now_ns,
				       struct media_sound **out, struct sound_fault *fault)
{
	if (e->sound) {
		e->used_ns = now_ns;
		*out = media_sound_ref(e->sound);
		return SOUNDS_HERE;
	}
	if (!e->reads && e->fault.reason && now_ns - e->used_ns < s->settings.again_ns) {
		*fault = e->fault;
		return SOUNDS_NONE;
	}
	if (!e->reads)
		sound_read(s, e);
	return SOUNDS_LATER;
}

enum sounds_answer sounds_get(struct sounds *s, const struct sound_name *name, uint64_t now_ns,
			      struct media_sound **out, struct sound_fault *fault)
{
	struct entry *e = sound_find(s, name);

	if (!e) {
		e = entry_place(s);
		if (!e) {
			*fault = (struct sound_fault){ .reason = "too many sounds are played" };
			return SOUNDS_NONE;
		}
		e->name = *name;
		e->used = true;
		s->keys[e - s->list] = sound_key(name);
	}
	return entry_answer(s, e, now_ns, out, fault);
}

const char *sounds_hash(const struct sounds *s, const struct sound_name *name)
{
	const struct entry *e = sound_find(s, name);

	return e && e->sound ? e->hash : "";
}

bool sounds_work(struct sounds *s, struct prompt_work *work)
{
	const struct request r = { .work = work };

	if (s->works == WORKS_MAX || !ring_push(&s->requests, &r))
		return false;
	s->works++;
	return true;
}

/* A sound that was asked for within AWAITED_NS is about to be played: it is dropped only above
 * octets_max, else it would be read again and again. */
static bool room_make(struct sounds *s, uint64_t octets, uint64_t now_ns)
{
	struct entry *e;

	while (s->octets + octets > s->settings.octets_idle && (e = longest_unused(s)) &&
	       (now_ns - e->used_ns >= AWAITED_NS || s->octets + octets > s->settings.octets_max))
		entry_drop(s, e);
	return s->octets + octets <= s->settings.octets_max;
}

/* Logs each fault once, however often the file is read; not for a text that is to be spoken first,
 * or a missing prompt: the caller knows whether that is a fault. */
static void entry_fail(struct entry *e, const struct sound_fault *fault)
{
	const char *before = e->fault.reason;
	bool is_known = before && strcmp(before, fault->reason) == 0 && e->fault.at == fault->at;

	e->fault = *fault;
	if (is_known ||
	    (fault->absent && (e->name.kind == SOUND_SPEECH || e->name.kind == SOUND_RECORDING ||
			       e->name.kind == SOUND_PROMPT)))
		return;
	LOG_WARN("sound", 0, "a sound file cannot be used", LOG_STR("tenant", e->name.tenant),
		 LOG_STR("file", sound_shown(&e->name)), LOG_STR("language", e->name.language),
		 LOG_STR("reason", fault->reason), LOG_U64("at", fault->at));
}

/* A cut sound is dropped, so its next playback fetches it again. */
static void sounds_on_grown(struct sounds *s, const struct reading *r)
{
	struct entry *e = &s->list[r->entry];

	if (e->sound == r->sound) { /* the entry has another sound by now */
		s->octets -= e->octets;
		e->octets = sound_octets_of(e->sound);
		s->octets += e->octets;
		if (r->fault.reason)
			entry_drop(s, e);
	}
	media_sound_unref(r->sound);
}

static void sounds_on_reading(struct sounds *s, const struct reading *r, uint64_t now_ns)
{
	static const struct sound_fault FULL = { .reason = "no room for more sounds" };
	struct entry *e = &s->list[r->entry];

	if (e->stale) { /* waiting callers ask again, and it is read again */
		media_sound_unref(r->sound);
		e->reads = false;
		return;
	}
	e->used_ns = now_ns;
	if (r->sound && room_make(s, sound_octets_of(r->sound), now_ns)) {
		e->sound = r->sound;
		e->octets = sound_octets_of(e->sound);
		memcpy(e->hash, r->hash, sizeof(e->hash));
		e->fault = (struct sound_fault){ 0 };
		s->octets += e->octets;
	} else {
		media_sound_unref(r->sound);
		entry_fail(e, r->sound ? &FULL : &r->fault);
	}
	e->reads = false;
}

static void entry_forget(struct sounds *s, struct entry *e)
{
	if (e->reads)
		e->stale = true;
	else if (e->used)
		entry_drop(s, e);
}

/* Sounds read by a name of the tenant may mean something else now. */
static void sounds_on_work(struct sounds *s, struct prompt_work *w)
{
	for (uint32_t i = 0; w->kind == PROMPT_WORK_NAME && i < s->high; i++) {
		struct entry *e = &s->list[i];

		if ((e->name.kind == SOUND_PROMPT || e->name.kind == SOUND_DIGITS ||
		     e->name.kind == SOUND_SAID_VALUE) &&
		    !e->name.hash[0] && !strcmp(e->name.tenant, w->of.tenant))
			entry_forget(s, e);
	}
	s->works--;
	if (s->settings.on_work)
		s->settings.on_work(w, s->settings.arg);
	else
		prompt_work_free(w);
}

void sounds_on_rendered(struct sounds *s, const char *hash)
{
	for (uint32_t i = 0; i < s->high; i++) {
		struct entry *e = &s->list[i];

		if ((e->name.kind == SOUND_SPEECH || e->name.kind == SOUND_RECORDING) &&
		    !e->sound && !strcmp(e->name.hash, hash))
			entry_forget(s, e);
	}
}

int sounds_fd(const struct sounds *s)
{
	return s->readings.wake_fd;
}

uint32_t sounds_round(struct sounds *s, uint64_t now_ns)
{
	struct reading r;
	uint32_t n = 0;

	do {
		ring_awake(&s->readings);
		while (ring_pop(&s->readings, &r, 1) == 1) {
			if (r.work)
				sounds_on_work(s, r.work);
			else if (r.grown)
				sounds_on_grown(s, &r);
			else
				sounds_on_reading(s, &r, now_ns);
			n++;
		}
	} while (!ring_sleep(&s->readings));
	return n;
}

static char *path_copy(const char *path)
{
	size_t size = strlen(path) + 1;
	char *copy = malloc(size);

	if (copy)
		memcpy(copy, path, size);
	return copy;
}

int sounds_folder_set(struct sounds *s, const char *folder)
{
	char *fresh = path_copy(folder);

	if (!fresh)
		return -ENOMEM;
	/* acq_rel: pairs with sounds_adopt_folder; what it did not take is ours again */
	free(atomic_exchange_explicit(&s->folder_fresh, fresh, memory_order_acq_rel));
	for (uint32_t i = 0; i < s->high; i++)
		entry_forget(s, &s->list[i]);
	return 0;
}

/* ---- open, close ---- */

int sounds_open(struct sounds **out, const struct sounds_settings *settings)
{
	struct sounds *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->count > 0);
	if (!s)
		return -ENOMEM;
	s->settings = *settings;
	s->requests.wake_fd = s->readings.wake_fd = -1;
	s->list = calloc(settings->count, sizeof(*s->list));
	s->keys = calloc(settings->count, sizeof(*s->keys));
	s->folder = path_copy(settings->folder);
	err = s->list && s->keys && s->folder ? 0 : -ENOMEM;
	if (!err)
		err = prompt_cache_open(&s->documents, settings->prompts, settings->recordings);
	if (!err)
		err = ring_open(&s->requests, sizeof(struct request),
				settings->count + WORKS_MAX + 1);
	if (!err)
		err = ring_open(&s->readings, sizeof(struct reading), settings->count + WORKS_MAX);
	if (!err)
		err = thread_spawn(&s->thread, "sounds", helper_main, s);
	if (err) {
		sounds_close(s);
		return err;
	}
	s->runs = true;
	(void)ring_sleep(&s->readings); /* from now on it is told */
	*out = s;
	return 0;
}

static void streams_close(struct sounds *s)
{
	for (uint32_t i = 0; i < STREAMS_MAX; i++) {
		struct sound_stream *stream = s->streams[i].stream;

		if (!stream)
			continue;
		media_sound_over(sound_stream_sound(stream), MEDIA_SOUND_CUT);
		media_sound_unref(sound_stream_sound(stream));
		sound_stream_close(stream);
	}
}

void sounds_close(struct sounds *s)
{
	struct request asked;
	struct reading r;

	if (s->runs) {
		atomic_store_explicit(&s->stops, true, memory_order_relaxed);
		(void)ring_push(&s->requests, &(struct request){ 0 });
		(void)pthread_join(s->thread, NULL);
		while (ring_pop(&s->requests, &asked, 1) == 1)
			prompt_work_free(asked.work);
		while (ring_pop(&s->readings, &r, 1) == 1) {
			media_sound_unref(r.sound);
			prompt_work_free(r.work);
		}
		streams_close(s);
	}
	for (uint32_t i = 0; i < s->high; i++)
		entry_drop(s, &s->list[i]);
	ring_close(&s->requests);
	ring_close(&s->readings);
	sounds_adopt_folder(s);
	prompt_cache_close(&s->documents);
	free(s->list);
	free(s->keys);
	free(s->folder);
	free(s);
}
