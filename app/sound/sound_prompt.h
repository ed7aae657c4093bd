/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts: what the node says by one name in the language of whoever hears it, and keys spoken one by one. A tenant's own file comes
 * before the node's, and the language before none:
 *
 *	FOLDER/TENANT/LANGUAGE/NAME   FOLDER/TENANT/NAME   FOLDER/.prompts/LANGUAGE/NAME   FOLDER/.prompts/NAME
 *
 * each with .wav or .opus behind it. A document of the tenant in a language comes before the tenant's files of that language,
 * and those of the node come before the same folders that the package brings. Behind a language with a region, as de-AT, comes the one without. For the helper that reads files.
 */
#ifndef APP_SOUND_SOUND_PROMPT_H
#define APP_SOUND_SOUND_PROMPT_H

#include "app/sound/prompt_cache.h"

#define SOUND_PROMPT_MARK "prompt:"
#define SOUND_PINNED_MARK '@' /* prompt:NAME@HASH: of a call that has begun it */
#define SOUND_DIGITS_MARK "digits:"

/* "NAME" of one that is not a file: prompt:NAME, digits:KEYS, or a value that is said as words (sig/host/words.h). False: it is neither, or it has other characters. */
bool sound_prompt_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz);
/* Of text:LANGUAGE:VOICE:TEXT: as it is said in that language, where it has none. False: it is none, or is longer than it may be. */
enum { SPEECH_TEXT_MAX = 1280 };
bool sound_speech_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz, char said[SPEECH_TEXT_MAX]);
/* Where prompts are. */
struct prompt_places {
	int folder, shipped; /* descriptors; -1: there is none */
	const struct prompt_cache *documents;
};

/* With one reference; NULL: fault says why. hash: of the document that it is of; "": of none. */
struct media_sound *sound_prompt_read(const struct prompt_places *at, const struct sound_name *name,
				      char hash[PROMPT_HASH_TEXT], struct sound_fault *fault);

/*
 * A recording of a tenant as a sound, by its name: recording:CALL-NUMBER. It lies in a folder of the day when it began, which is the day of
 * its call or one of the next: FOLDER/TENANT/DATE/CALL-NUMBER.wav, or in its segments, which are played one behind the other. For the helper that reads files.
 */

#define SOUND_RECORDING_MARK "recording:"
/* What a member of a conference has said as its name: name:CALL-NUMBER, in FOLDER/.names/TENANT. */
#define SOUND_SPOKEN_MARK   "name:"
#define SOUND_SPOKEN_FOLDER ".names"

/* CALL-NUMBER. */
bool sound_recording_is_good(struct bytes name);
/* Of a name behind the mark. False: it is none. */
bool sound_recording_set(struct sound_name *out, struct bytes tenant, struct bytes file,
			 uint32_t rate_hz);
/* Octets of one that is whole, malloc'ed. name: of sound_recording_set. NULL, or why not. */
const char *sound_recording_load(const char *folder, const struct sound_name *name, size_t max,
				 uint8_t **out, size_t *n);
/* With one reference; NULL: fault says why. partial: another node may have segments that are not here, or all of one that is cut here. */
struct media_sound *sound_recording_read(const char *folder, const struct sound_name *name,
					 bool *partial, struct sound_fault *fault);

#endif
