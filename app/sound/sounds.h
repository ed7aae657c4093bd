/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sounds of tenants' files, each read once and shared by all that play it. A helper thread reads, so that no disk delays a call: the
 * first who asks for a sound asks again when it is there. Sounds that nobody plays make room for others, the longest unused first.
 * Control's thread, but for the helper.
 */
#ifndef APP_SOUND_SOUNDS_H
#define APP_SOUND_SOUNDS_H

#include "app/sound/prompt_cache.h"
#include "app/sound/sound_file.h"
#include "dsp/tone.h"

struct sounds;

struct sounds_settings {
	const char *folder;     /* which need not be there yet */
	const char *recordings; /* the folder of those; lives as long; NULL: none are played */
	const char
		*shipped; /* likewise, with .prompts that came with the program; NULL: none did */
	const char *prompts; /* the folder of prompts that are documents; NULL: there are none */
	const char *speech;  /* likewise, of texts that an engine has said; lives as long */
	/* What became of sounds_work, from sounds_round; the receiver frees it. */
	void (*on_work)(struct prompt_work *work, void *arg);
	void *arg;
	uint32_t count;       /* sounds in memory at most */
	uint64_t octets_max;  /* of their samples */
	uint64_t octets_idle; /* ... as long as some of them are played by nobody */
	uint64_t again_ns; /* a file that could not be used is looked at anew so long afterwards */
};

enum sounds_answer {
	SOUNDS_HERE,
	SOUNDS_LATER, /* it is being read */
	SOUNDS_NONE,  /* the fault says why */
};

/* 0 or -errno. */
int sounds_open(struct sounds **out, const struct sounds_settings *settings) NODISCARD;
/* Waits for what is being read. Who has a sound keeps it. */
void sounds_close(struct sounds *s);
/* HERE: *out is one reference, the caller's. NONE: *fault. */
enum sounds_answer sounds_get(struct sounds *s, const struct sound_name *name, uint64_t now_ns,
			      struct media_sound **out, struct sound_fault *fault);
/* A text of that hash was said, or could not be: it is looked for anew. */
void sounds_said(struct sounds *s, const char *hash);
/* The document's hash of a prompt that is here; "": it is of none. */
const char *sounds_hash(const struct sounds *s, const struct sound_name *name);
/* The helper does that, in the order in which it is asked. False: it has enough to do, and the work stays the caller's. */
bool sounds_work(struct sounds *s, struct prompt_work *work) NODISCARD;
/* Readable when sounds were read: then sounds_round. */
int sounds_fd(const struct sounds *s);
/* How many have been read or could not be. Those who wait ask again. */
uint32_t sounds_round(struct sounds *s, uint64_t now_ns);
/* All files are of that folder from now on, and read anew: they may have changed. 0 or -ENOMEM. */
int sounds_folder_set(struct sounds *s, const char *folder) NODISCARD;

/* A tone of a national plan as a sound that repeats without a click (dsp/tone.h). For the helper that reads files, too: a sine costs time. */

/* False: there is no such plan. */
bool sound_tone_set(struct sound_name *out, struct bytes plan, enum tone_kind kind,
		    uint32_t rate_hz);
/* What is heard before a message is recorded, once. */
#define SOUND_BEEP_MARK "beep"
/* What all in a conference hear when somebody comes, and when he leaves. */
#define SOUND_BEEP_ENTRY "beep-entry"
#define SOUND_BEEP_EXIT  "beep-exit"
bool sound_beep_set(struct sound_name *out, struct bytes name, uint32_t rate_hz);
/* With one reference; NULL: fault says why. */
struct media_sound *sound_tone_make(const struct sound_name *name, struct sound_fault *fault);

#endif
