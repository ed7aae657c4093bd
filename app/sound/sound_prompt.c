/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sound/sound_prompt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NODE_FOLDER ".prompts" /* no tenant has this name */

enum {
	KEYS_MAX = 16,
	PATH_PARTS = 3,
	NAME_SIZE = SOUND_NAME_MAX + 8,
	PLACES = 4,
	PROMPT_ENDINGS = 2
};

static bool keys_are_good(struct bytes keys)
{
	for (size_t i = 0; i < keys.n; i++)
		if (!keys.p[i] || !strchr("0123456789*#ABCD", keys.p[i]))
			return false;
	return keys.n > 0 && keys.n <= KEYS_MAX;
}

/* '*' and '#' are in no name of a file: sound_name_set would not have them. */
static bool keys_set(struct sound_name *out, struct bytes keys)
{
	return keys_are_good(keys) && bytes_cstr(keys, out->file, sizeof(out->file)) == 0;
}

bool sound_prompt_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz)
{
	bool keys = bytes_starts(name, SOUND_DIGITS_MARK);
	struct bytes rest =
		bytes_from(name, keys ? strlen(SOUND_DIGITS_MARK) : strlen(SOUND_PROMPT_MARK));

	if (!keys && !bytes_starts(name, SOUND_PROMPT_MARK))
		return false;
	if (!sound_name_set(out, tenant, keys ? BYTES_LIT("digits") : rest, rate_hz))
		return false;
	out->kind = keys ? SOUND_DIGITS : SOUND_PROMPT;
	if (keys) {
		memset(out->file, 0, sizeof(out->file));
		if (!keys_set(out, rest))
			return false;
	}
	return sound_language_is_good(language) &&
	       bytes_cstr(language, out->language, sizeof(out->language)) == 0;
}

/* ---- where it lies ---- */

/* The folders of each place: as many as there are before NULL. */
static void places_make(const char *out[PLACES][PATH_PARTS], const struct sound_name *name)
{
	const char *language = name->language[0] ? name->language : NULL;

	memset(out, 0, sizeof(out[0]) * PLACES);
	out[0][0] = out[1][0] = name->tenant;
	out[2][0] = out[3][0] = NODE_FOLDER;
	out[0][1] = out[2][1] = language;
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

/* A file that is wrong is no reason to say something else. */
static struct media_sound *prompt_read(int folder, const struct sound_name *name, const char *what,
				       struct sound_fault *fault)
{
	const char *places[PLACES][PATH_PARTS];
	struct media_sound *s = NULL;

	places_make(places, name);
	fault->absent = true;
	for (size_t i = 0; !s && fault->absent && i < PLACES; i++)
		s = prompt_place_read(folder, places[i], what, name->rate_hz, fault);
	if (!s && fault->absent)
		fault->reason = "no such prompt: deploy/prompts/make.py speaks those of the node";
	return s;
}

/* ---- keys ---- */

static void key_name(char out[NAME_SIZE], char key)
{
	if (key == '*')
		(void)snprintf(out, NAME_SIZE, "digit-star");
	else if (key == '#')
		(void)snprintf(out, NAME_SIZE, "digit-hash");
	else
		(void)snprintf(out, NAME_SIZE, "digit-%c", tolower((unsigned char)key));
}

static struct media_sound *digits_read(int folder, const struct sound_name *name,
				       struct sound_fault *fault)
{
	struct media_sound *parts[KEYS_MAX] = { NULL }, *s = NULL;
	size_t count = strlen(name->file), n = 0;
	uint64_t length = 0;
	char what[NAME_SIZE];

	for (; n < count; n++) {
		key_name(what, name->file[n]);
		parts[n] = prompt_read(folder, name, what, fault);
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
		media_sound_drop(parts[--n]);
	return s;
}

struct media_sound *sound_prompt_read(int folder, const struct sound_name *name,
				      struct sound_fault *fault)
{
	*fault = (struct sound_fault){ 0 };
	return name->kind == SOUND_DIGITS ? digits_read(folder, name, fault)
					  : prompt_read(folder, name, name->file, fault);
}
