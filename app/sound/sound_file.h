/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of a tenant as a sound: WAV, or Opus in Ogg. Takes as long as a disk does: not for the
 * control thread. For an unusable file the fault says where and why.
 */
#ifndef APP_SOUND_SOUND_FILE_H
#define APP_SOUND_SOUND_FILE_H

#include "media/job.h"
#include "sig/host/tenant.h"

enum {
	SOUND_NAME_MAX = 64,
	SOUND_FILE_MAX = 64 << 20, /* octets */
	SOUND_SECONDS_MAX = 600,
	PROMPT_HASH_TEXT = 65, /* SHA-256 in hexadecimal digits, and a NUL */
};

enum sound_kind {
	SOUND_FILE,       /* FOLDER/TENANT/FILE: sound_name_set */
	SOUND_PROMPT,     /* sound_prompt.h */
	SOUND_DIGITS,     /* the same, of the DTMF digits in file */
	SOUND_SAID_VALUE, /* the same, of the value in file, which may be a secret */
	SOUND_SPEECH,     /* the same: a text by its hash, as spoken by a speech engine */
	SOUND_RECORDING,  /* sound_prompt.h */
	SOUND_SPOKEN,     /* the same: a name */
	SOUND_BEEP,       /* sounds.h */
};

/* At a rate of our choice. Or a tone: sounds.h. */
struct sound_name {
	char tenant[SOUND_NAME_MAX + 1];
	char file[SOUND_NAME_MAX + 1];
	char language[LANGUAGE_MAX]; /* of a prompt; "": none */
	/* Pinned by a call: whatever its name means now; "": by its name. */
	char hash[PROMPT_HASH_TEXT];
	uint32_t rate_hz;
	uint8_t kind; /* enum sound_kind */
	uint8_t tone; /* enum tone_kind + 1: of the plan that file names; 0: a file */
};

struct sound_fault {
	const char *reason; /* a constant phrase; NULL: nothing is wrong */
	uint64_t at;        /* octets from the beginning of the file */
	bool absent;        /* there is no such file */
};

/* A reason: the sound exists, and is not played. */
extern const char SOUND_TOO_LONG[];

/* False: too long, empty, or with characters that might leave the folder.
 * Names: letters, digits, ._-, no leading dot. */
bool sound_name_set(struct sound_name *out, struct bytes tenant, struct bytes file,
		    uint32_t rate_hz);
/* Its file, for logs; of a possible secret only the kind. */
const char *sound_shown(const struct sound_name *name);
/* Letters, digits and '-', or nothing. */
#define SOUND_LANGUAGE_WRONG "a language has at most 7 letters, digits and '-', such as en or pt-BR"
bool sound_language_is_good(struct bytes language);
/* With one reference; NULL: see fault. folder: a descriptor, parts: folders in it and the file. */
struct media_sound *sound_path_read(int folder, const char *const *parts, size_t count,
				    uint32_t rate_hz, struct sound_fault *fault);
/* The same from its octets. */
struct media_sound *sound_octets_read(struct bytes file, uint32_t rate_hz,
				      struct sound_fault *fault);
/* Octets of a file, malloc'ed, at most max. NULL, or the error: SOUND_NO_FILE, ... */
extern const char SOUND_NO_FILE[];
const char *sound_path_load(int folder, const char *const *parts, size_t count, size_t max,
			    uint8_t **out, size_t *n);
const char *sound_fd_load(int fd, size_t max, uint8_t **out, size_t *n);
/* Joins all; NULL: no memory. The parts stay the caller's. */
struct media_sound *sounds_join(struct media_sound *const *parts, size_t count, uint32_t rate_hz);
struct media_sound *sound_file_read(int folder, const struct sound_name *name,
				    struct sound_fault *fault);

/* A file of Opus in Ogg as a sound: for the helper that reads files, as decoding takes its time. */

#endif
