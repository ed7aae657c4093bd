/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and reads prompts, values spoken as words, and recordings by name. sounds.c calls it on the
 * helper thread. The search order is that of sound_prompt.h, with language fallback by RFC 4647
 * 3.4. A file that exists but is unusable ends the search with a fault, as another prompt in its
 * place would hide the mistake.
 */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "app/sound/sound_prompt.h"
#include "base/bytes.h"
#include "base/log.h"
#include "sig/host/spoken_value.h"
#include "sig/model/recording.h"

enum {
	RECORDED_DAY_LEN = 10,
	SEGMENTS_MAX = 32,
	RECORDING_FILE_MAX = SOUND_NAME_MAX + 16,
	SIDECAR_OCTETS_MAX = 1 << 20,
};

bool sound_recording_is_good(struct bytes name)
{
	struct bytes call;
	uint32_t number;
	uint64_t id;

	return bytes_cut(&name, '-', &call) && base32_u64_get(call, &id) == 0 &&
	       bytes_u32(name, &number) == 0 && number >= 1 && number <= RECORDING_NUMBER_MAX;
}

bool sound_recording_set(struct sound_name *out, struct bytes tenant, struct bytes file,
			 uint32_t rate_hz)
{
	bool spoken = bytes_starts(file, SOUND_SPOKEN_MARK);
	struct bytes name =
		bytes_from(file, strlen(spoken ? SOUND_SPOKEN_MARK : SOUND_RECORDING_MARK));

	if ((!spoken && !bytes_starts(file, SOUND_RECORDING_MARK)) ||
	    !sound_recording_is_good(name) || !sound_name_set(out, tenant, name, rate_hz))
		return false;
	out->kind = spoken ? SOUND_SPOKEN : SOUND_RECORDING;
	if (!spoken) /* callers that wait for its octets find it by this */
		(void)bytes_cstr(name, out->hash, sizeof(out->hash));
	return true;
}

static bool is_day(const char *name)
{
	return strlen(name) == RECORDED_DAY_LEN && name[4] == '-' && name[7] == '-';
}

/* Of any day. tenant: open for reading; NULL with fault->absent: not found. */
static struct media_sound *recording_file_read(DIR *tenant, const char *file, uint32_t rate_hz,
					       struct sound_fault *fault)
{
	struct media_sound *s = NULL;
	const struct dirent *e;

	*fault = (struct sound_fault){ .absent = true };
	rewinddir(tenant);
	while (!s && fault->absent && (e = readdir(tenant))) {
		const char *const parts[] = { e->d_name, file };

		if (is_day(e->d_name))
			s = sound_path_read(dirfd(tenant), parts, COUNT_OF(parts), rate_hz, fault);
	}
	return s;
}

/* Its sidecar says that another segment follows, on any node.
 * One without a sidecar is still being written. */
static bool segment_is_followed(int tenant, const char *day, const struct sound_name *name,
				uint32_t number)
{
	char file[RECORDING_FILE_MAX];
	const char *const parts[] = { day, file };
	uint8_t *octets = NULL;
	json_t *facts = NULL;
	bool followed;
	size_t n;

	(void)snprintf(file, sizeof(file), "%s.%u.wav.json", name->file, number);
	if (!sound_path_load(tenant, parts, COUNT_OF(parts), SIDECAR_OCTETS_MAX, &octets, &n))
		facts = json_loadb((const char *)octets, n, 0, NULL);
	followed = json_is_false(json_object_get(facts, "last"));
	json_decref(facts);
	free(octets);
	return followed;
}

/* Folder of segments: a tenant's recordings, or that of names, below root. */
struct segments {
	DIR *tenant; /* NULL: names */
	int root;
	const struct sound_name *name;
	struct media_sound *parts[SEGMENTS_MAX];
	uint32_t count;
	bool partial; /* another node may have more of it */
};

static struct media_sound *segment_read(struct segments *of, uint32_t number,
					struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	const char *const path[] = { SOUND_SPOKEN_FOLDER, of->name->tenant, file };

	(void)snprintf(file, sizeof(file), "%s.%u.wav", of->name->file, number);
	if (of->tenant) {
		struct media_sound *s =
			recording_file_read(of->tenant, file, of->name->rate_hz, fault);

		if (s || !fault->absent)
			return s;
		/* a neighbour's copy of one that was being recorded (docs/adr/0048) */
		(void)snprintf(file, sizeof(file), "%s.%u.cut.wav", of->name->file, number);
		s = recording_file_read(of->tenant, file, of->name->rate_hz, fault);
		of->partial |= !fault->absent;
		return s;
	}
	return sound_path_read(of->root, path, COUNT_OF(path), of->name->rate_hz, fault);
}

/* Of any day. */
static bool segments_go_on(const struct segments *of, uint32_t number)
{
	const struct dirent *e;
	bool any = false;

	rewinddir(of->tenant);
	while (!any && (e = readdir(of->tenant)))
		any = is_day(e->d_name) &&
		      segment_is_followed(dirfd(of->tenant), e->d_name, of->name, number);
	return any;
}

/* As long as segments follow each other. An empty or damaged one is skipped: the sound before and
 * behind it is played. fault: of the last one that is not played, if none is. */
static void segments_read(struct segments *of, struct sound_fault *fault)
{
	struct sound_fault own = { 0 };

	*fault = (struct sound_fault){ .absent = true };
	for (uint32_t i = 1; i <= SEGMENTS_MAX && !own.absent; i++) {
		struct media_sound *s = segment_read(of, i, &own);

		if (s)
			of->parts[of->count++] = s;
		else if (!own.absent)
			*fault = own;
		if (!s && !own.absent)
			LOG_WARN("sound", 0, "a segment of a recording cannot be played",
				 LOG_STR("tenant", of->name->tenant),
				 LOG_STR("recording", of->name->file), LOG_U64("segment", i),
				 LOG_STR("reason", own.reason), LOG_U64("at", own.at));
		if (own.reason == SOUND_TOO_LONG)
			return;
		if (own.absent && i > 1 && of->tenant)
			of->partial |= segments_go_on(of, i - 1);
	}
}

static struct media_sound *segments_join(struct segments *of, struct sound_fault *fault)
{
	struct media_sound *s = NULL;
	uint64_t length = 0;

	segments_read(of, fault);
	for (uint32_t i = 0; i < of->count; i++)
		length += of->parts[i]->length;
	if (length > (uint64_t)of->name->rate_hz * SOUND_SECONDS_MAX)
		*fault = (struct sound_fault){ .reason = SOUND_TOO_LONG };
	if (of->count && fault->reason != SOUND_TOO_LONG) {
		s = of->count == 1 ? media_sound_ref(of->parts[0])
				   : sounds_join(of->parts, of->count, of->name->rate_hz);
		*fault = (struct sound_fault){ .reason = s ? NULL : "no memory" };
	}
	while (of->count > 0)
		media_sound_unref(of->parts[--of->count]);
	return s;
}

static struct media_sound *recording_read(DIR *tenant, const struct sound_name *name, bool *partial,
					  struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	struct segments of = { .tenant = tenant, .name = name };
	struct media_sound *s;

	(void)snprintf(file, sizeof(file), "%s.wav", name->file);
	s = recording_file_read(tenant, file, name->rate_hz, fault);
	if (!s && fault->absent)
		s = segments_join(&of, fault);
	*partial = of.partial;
	if (!s && fault->absent)
		fault->reason = "this node has no such recording: recording.list has them";
	return s;
}

/* In segments, if the process died during the recording. */
static struct media_sound *spoken_read(int root, const struct sound_name *name,
				       struct sound_fault *fault)
{
	struct segments of = { .root = root, .name = name };
	struct media_sound *s = segments_join(&of, fault);

	if (!s && fault->absent)
		fault->reason = "this node has no such name";
	return s;
}

struct media_sound *sound_recording_read(const char *folder, const struct sound_name *name,
					 bool *partial, struct sound_fault *fault)
{
	int root = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = root < 0 || name->kind == SOUND_SPOKEN
			 ? -1
			 : openat(root, name->tenant,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *tenant = fd < 0 ? NULL : fdopendir(fd);
	struct media_sound *s = NULL;

	*partial = false;
	*fault = (struct sound_fault){ .reason = "the tenant has no recordings here",
				       .absent = true };
	if (root >= 0 && name->kind == SOUND_SPOKEN)
		s = spoken_read(root, name, fault);
	if (tenant)
		s = recording_read(tenant, name, partial, fault);
	if (tenant)
		(void)closedir(tenant);
	else if (fd >= 0)
		(void)close(fd);
	if (root >= 0)
		(void)close(root);
	return s;
}

/* One of several segments is not the whole sound. */
static const char *segment_load(DIR *tenant, const char *day, const struct sound_name *name,
				size_t max, uint8_t **out, size_t *n)
{
	char file[RECORDING_FILE_MAX], next[2 * RECORDING_FILE_MAX];
	const char *const parts[] = { day, file };

	(void)snprintf(file, sizeof(file), "%s.1.wav", name->file);
	(void)snprintf(next, sizeof(next), "%.10s/%s.2.wav", day, name->file);
	if (faccessat(dirfd(tenant), next, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    segment_is_followed(dirfd(tenant), day, name, 1))
		return "the node was restarted while it was said: say it again";
	return sound_path_load(dirfd(tenant), parts, COUNT_OF(parts), max, out, n);
}

const char *sound_recording_load(const char *folder, const struct sound_name *name, size_t max,
				 uint8_t **out, size_t *n)
{
	const char *reason = SOUND_NO_FILE;
	const struct dirent *e;
	char path[PATH_MAX];
	DIR *tenant;

	(void)snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name->tenant);
	tenant = folder ? opendir(path) : NULL;
	while (tenant && reason == SOUND_NO_FILE && (e = readdir(tenant))) {
		if (is_day(e->d_name))
			reason = segment_load(tenant, e->d_name, name, max, out, n);
	}
	if (tenant)
		(void)closedir(tenant);
	return reason == SOUND_NO_FILE ? "this node has no such recording: recording.list has them"
				       : reason;
}

#define NODE_FOLDER ".prompts" /* no tenant has this name */

enum {
	KEYS_MAX = 16,
	PATH_PARTS = 3,
	NAME_SIZE = SOUND_NAME_MAX + 8,
	PLACES = 6,
	PROMPT_ENDINGS = 2
};

static bool keys_are_good(struct bytes keys)
{
	for (size_t i = 0; i < keys.n; i++)
		if (!keys.p[i] || !strchr("0123456789*#ABCD", keys.p[i]))
			return false;
	return keys.n > 0 && keys.n <= KEYS_MAX;
}

/* '*' and '#' are in no file name: sound_name_set would refuse them. */
static bool keys_set(struct sound_name *out, struct bytes keys)
{
	return keys_are_good(keys) && bytes_cstr(keys, out->file, sizeof(out->file)) == 0;
}

/* A value, in its own language or the listener's. */
static bool spoken_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		       struct bytes name, uint32_t rate_hz)
{
	struct spoken_value words;

	if (!spoken_value_make(&words, name, language) ||
	    !sound_name_set(out, tenant, BYTES_LIT("said"), rate_hz))
		return false;
	memset(out->file, 0, sizeof(out->file));
	out->kind = SOUND_SAID_VALUE;
	(void)bytes_cstr(language, out->language, sizeof(out->language));
	return bytes_cstr(name, out->file, sizeof(out->file)) == 0;
}

bool sound_speech_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz, char said[SPEECH_TEXT_MAX])
{
	struct writer w = writer_over(said, SPEECH_TEXT_MAX - 1);
	struct bytes rest = bytes_from(name, strlen(VALUE_TEXT)), own;

	if (!bytes_starts(name, VALUE_TEXT) || !bytes_cut(&rest, ':', &own) ||
	    !sound_name_set(out, tenant, BYTES_LIT("said"), rate_hz))
		return false;
	writer_bytes(&w, own.n ? own : language);
	writer_str(&w, ":");
	writer_bytes(&w, rest);
	said[w.n] = '\0';
	memset(out->file, 0, sizeof(out->file));
	out->kind = SOUND_SPEECH;
	prompt_hash_of(writer_done(&w), out->hash);
	return !w.overflow;
}

bool sound_prompt_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz)
{
	bool keys = bytes_starts(name, SOUND_DIGITS_MARK);
	struct bytes rest =
		bytes_from(name, keys ? strlen(SOUND_DIGITS_MARK) : strlen(SOUND_PROMPT_MARK));
	struct bytes hash = bytes_from(rest, bytes_find(rest, SOUND_PINNED_MARK) + 1);

	if (spoken_set(out, tenant, language, name, rate_hz))
		return true;
	if (!keys && !bytes_starts(name, SOUND_PROMPT_MARK))
		return false;
	if (hash.n)
		rest = bytes_sub(rest, 0, rest.n - hash.n - 1);
	if (!sound_name_set(out, tenant, keys ? BYTES_LIT("digits") : rest, rate_hz))
		return false;
	if (hash.n && (keys || !prompt_hash_is_good(hash)))
		return false;
	(void)bytes_cstr(hash, out->hash, sizeof(out->hash));
	out->kind = keys ? SOUND_DIGITS : SOUND_PROMPT;
	if (keys) {
		memset(out->file, 0, sizeof(out->file));
		if (!keys_set(out, rest))
			return false;
	}
	return sound_language_is_good(language) &&
	       bytes_cstr(language, out->language, sizeof(out->language)) == 0;
}

/* ---- search ---- */

/* RFC 4647 3.4: de-AT, de, none. Folders of each, up to NULL. plain: without the region. */
static void places_make(const char *out[PLACES][PATH_PARTS], const struct sound_name *name,
			char plain[LANGUAGE_MAX])
{
	struct bytes all = bytes_str(name->language);

	memset(out, 0, sizeof(out[0]) * PLACES);
	(void)bytes_cstr(bytes_sub(all, 0, bytes_find(all, '-')), plain, LANGUAGE_MAX);
	for (size_t i = 0; i < PLACES; i++)
		out[i][0] = i < PLACES / 2 ? name->tenant : NODE_FOLDER;
	out[0][1] = out[3][1] = all.n ? name->language : NULL;
	out[1][1] = out[4][1] = plain[0] ? plain : NULL;
}

static struct media_sound *prompt_place_read(int folder, const char *place[PATH_PARTS],
					     const char *name, uint32_t rate_hz,
					     struct sound_fault *fault)
{
	static const char *const endings[PROMPT_ENDINGS] = { ".wav", ".opus" };
	size_t depth = place[1] ? 2 : 1;
	struct media_sound *s = NULL;
	char file[NAME_SIZE];

	fault->absent = true;
	for (size_t i = 0; !s && fault->absent && i < PROMPT_ENDINGS; i++) {
		(void)snprintf(file, sizeof(file), "%s%s", name, endings[i]);
		place[depth] = file;
		s = sound_path_read(folder, place, depth + 1, rate_hz, fault);
	}
	place[depth] = NULL;
	return s;
}

/* Where prompts are read from. */
struct prompt_source {
	const struct prompt_places *at;
	const struct sound_name *name;
	char *hash; /* of the document that was read last; "": none */
};

static struct media_sound *prompt_document_read(const struct prompt_source *of,
						const char *language, const char *what,
						struct sound_fault *fault)
{
	const char *hash = prompt_cache_find(of->at->documents, of->name->tenant,
					     language ? language : "", what);
	struct media_sound *s =
		hash ? prompt_cache_read(of->at->documents, hash, of->name->rate_hz, fault) : NULL;

	if (s)
		memcpy(of->hash, hash, PROMPT_HASH_TEXT);
	return s;
}

/* An unusable file is no reason to play another prompt. */
static struct media_sound *prompt_read(const struct prompt_source *of, const char *what,
				       struct sound_fault *fault)
{
	const char *places[PLACES][PATH_PARTS];
	uint32_t rate_hz = of->name->rate_hz;
	struct media_sound *s = NULL;
	char plain[LANGUAGE_MAX];

	places_make(places, of->name, plain);
	fault->absent = true;
	for (size_t i = 0; !s && fault->absent && i < PLACES; i++) {
		if (i < PLACES / 2)
			s = prompt_document_read(of, places[i][1], what, fault);
		if (!s && fault->absent && of->at->folder >= 0)
			s = prompt_place_read(of->at->folder, places[i], what, rate_hz, fault);
	}
	for (size_t i = PLACES / 2; !s && fault->absent && of->at->shipped >= 0 && i < PLACES; i++)
		s = prompt_place_read(of->at->shipped, places[i], what, rate_hz, fault);
	if (!s && fault->absent)
		fault->reason = "no such prompt: deploy/prompts/make.py speaks those of the node";
	return s;
}

/* ---- digits ---- */

static void key_name(char out[VALUE_WORD_MAX], char key)
{
	if (key == '*')
		(void)snprintf(out, VALUE_WORD_MAX, "digit-star");
	else if (key == '#')
		(void)snprintf(out, VALUE_WORD_MAX, "digit-hash");
	else
		(void)snprintf(out, VALUE_WORD_MAX, "digit-%c", tolower((unsigned char)key));
}

/* One prompt behind the other. */
static struct media_sound *words_read(const struct prompt_source *of,
				      const struct spoken_value *words, struct sound_fault *fault)
{
	const struct sound_name *name = of->name;
	struct media_sound *parts[VALUE_WORDS_MAX] = { NULL }, *s = NULL;
	size_t count = words->count, n = 0;
	uint64_t length = 0;

	for (; n < count; n++) {
		parts[n] = prompt_read(of, words->list[n], fault);
		if (!parts[n])
			break;
		length += parts[n]->length;
	}
	if (n == count && length <= (uint64_t)name->rate_hz * SOUND_SECONDS_MAX) {
		s = sounds_join(parts, n, name->rate_hz);
		fault->reason = s ? NULL : "no memory";
	} else if (n == count) {
		*fault = (struct sound_fault){ .reason = SOUND_TOO_LONG };
	}
	while (n > 0)
		media_sound_unref(parts[--n]);
	return s;
}

static struct media_sound *digits_read(const struct prompt_source *of, struct sound_fault *fault)
{
	struct spoken_value words = { .count = (uint8_t)strlen(of->name->file) };

	for (uint8_t i = 0; i < words.count; i++)
		key_name(words.list[i], of->name->file[i]);
	return words_read(of, &words, fault);
}

/* It is looked up in the language of the value. */
static struct media_sound *spoken_prompt_read(const struct prompt_source *of,
					      struct sound_fault *fault)
{
	struct sound_name name = *of->name;
	const struct prompt_source in = { of->at, &name, of->hash };
	struct spoken_value words;

	if (!spoken_value_make(&words, bytes_str(name.file), bytes_str(name.language)))
		return NULL;
	memcpy(name.language, words.language, sizeof(name.language));
	return words_read(&in, &words, fault);
}

/* A prompt that a call has begun goes on, even if its name means another one now. */
static struct media_sound *pinned_read(const struct prompt_source *of, struct sound_fault *fault)
{
	struct media_sound *s =
		prompt_cache_read(of->at->documents, of->name->hash, of->name->rate_hz, fault);

	if (s)
		memcpy(of->hash, of->name->hash, PROMPT_HASH_TEXT);
	return s;
}

struct media_sound *sound_prompt_read(const struct prompt_places *at, const struct sound_name *name,
				      char hash[PROMPT_HASH_TEXT], struct sound_fault *fault)
{
	const struct prompt_source of = { at, name, hash };
	struct media_sound *s;

	*fault = (struct sound_fault){ 0 };
	hash[0] = '\0';
	if (name->kind == SOUND_DIGITS || name->kind == SOUND_SAID_VALUE) {
		s = name->kind == SOUND_SAID_VALUE ? spoken_prompt_read(&of, fault)
						   : digits_read(&of, fault);
		hash[0] = '\0'; /* the sum of several has no hash */
		return s;
	}
	s = name->hash[0] ? pinned_read(&of, fault) : NULL;
	return s ? s : prompt_read(&of, name->file, fault);
}
