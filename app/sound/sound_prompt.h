/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts: announcements by one name in the listener's language, and DTMF digits spoken one by one.
 * A tenant's own file comes before the node's, and the language before none:
 *
 *    FOLDER/TENANT/LANGUAGE/NAME
 *    FOLDER/TENANT/NAME
 *    FOLDER/.prompts/LANGUAGE/NAME
 *    FOLDER/.prompts/NAME
 *
 * each with .wav or .opus behind it. A document of the tenant in a language comes before the
 * tenant's files of that language, and the node's folders before the same ones of the package.
 * After a language with a region, such as de-AT, comes the one without. For the helper thread that
 * reads files.
 */
#ifndef APP_SOUND_SOUND_PROMPT_H
#define APP_SOUND_SOUND_PROMPT_H

#include "app/sound/prompt_cache.h"

#define SOUND_PROMPT_MARK "prompt:"
#define SOUND_PINNED_MARK '@' /* prompt:NAME@HASH: pinned by a call that began it */
#define SOUND_DIGITS_MARK "digits:"

/* Reads a name that is no file: prompt:NAME, digits:KEYS, or a value spoken as words
 * (sig/host/spoken_value.h). False: none of these, or invalid characters. */
bool sound_prompt_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz);
/* Reads text:LANGUAGE:VOICE:TEXT; language: in place of none. False: none, or too long. */
enum { SPEECH_TEXT_MAX = 1280 };
bool sound_speech_set(struct sound_name *out, struct bytes tenant, struct bytes language,
		      struct bytes name, uint32_t rate_hz, char said[SPEECH_TEXT_MAX]);
/* Folders of prompts. */
struct prompt_places {
	int folder, shipped; /* descriptors; -1: none */
	const struct prompt_cache *documents;
};

/* With one reference; NULL: see fault. hash: of its document; "": of none. */
struct media_sound *sound_prompt_read(const struct prompt_places *at, const struct sound_name *name,
				      char hash[PROMPT_HASH_TEXT], struct sound_fault *fault);

/* A recording of a tenant as a sound, by its name: recording:CALL-NUMBER. It is in the folder of
 * the day when it began, the call's day or one of the next: FOLDER/TENANT/DATE/CALL-NUMBER.wav, or
 * its segments, played one behind the other. For the helper thread that reads files. */

#define SOUND_RECORDING_MARK "recording:"
/* The spoken name of a conference member: name:CALL-NUMBER, in FOLDER/.names/TENANT. */
#define SOUND_SPOKEN_MARK   "name:"
#define SOUND_SPOKEN_FOLDER ".names"

/* CALL-NUMBER. */
bool sound_recording_is_good(struct bytes name);
/* Reads a name behind the mark. False: malformed. */
bool sound_recording_set(struct sound_name *out, struct bytes tenant, struct bytes file,
			 uint32_t rate_hz);
/* Octets of a complete one, malloc'ed. name: of sound_recording_set. NULL, or the error. */
const char *sound_recording_load(const char *folder, const struct sound_name *name, size_t max,
				 uint8_t **out, size_t *n);
/* With one reference; NULL: see fault.
 * partial: another node may have more segments, or all of one that is cut here. */
struct media_sound *sound_recording_read(const char *folder, const struct sound_name *name,
					 bool *partial, struct sound_fault *fault);

#endif
