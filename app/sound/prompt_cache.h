/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts that are documents: their octets in a folder of the node, each file named by its SHA-256,
 * and the hash of each name. The folder is a copy of what Redis has; a lost one fills again. For
 * the helper thread that reads files, alone.
 */
#ifndef APP_SOUND_PROMPT_CACHE_H
#define APP_SOUND_PROMPT_CACHE_H

#include "app/sound/sound_file.h"
#include "base/table.h"

enum { PROMPT_OCTETS_MAX = 1 << 20, PROMPT_LENGTH_RATE = 8000 };

struct prompt_cache {
	char *folder;           /* NULL: none, and no prompt is a document */
	const char *recordings; /* their folder; NULL: none */
	struct table names;
};

enum prompt_work_kind {
	/* A new file: octets, hash and length_ms are known afterwards, and it is in the folder. */
	PROMPT_WORK_READ,
	/* The name means that hash, if its octets are there or come along; "": none. */
	PROMPT_WORK_NAME,
	PROMPT_WORK_OCTETS, /* the octets of a hash are read */
	PROMPT_WORK_SWEEP,  /* deletes files that no name has meant for two days */
};

/* A request of the control thread, and its result. */
struct prompt_work {
	enum prompt_work_kind kind;
	int fd;               /* READ: closed; -1: of is a recording that is read */
	struct sound_name of; /* NAME: tenant, language and file */
	char hash[PROMPT_HASH_TEXT];
	uint8_t *octets; /* malloc'ed; NULL: none */
	size_t n;
	uint32_t length_ms;
	struct sound_fault fault; /* absent: the folder lacks it */
	bool disk;                /* ... and the fault is this node's */
	/* Called by the control thread; frees it. NULL: the owner of all prompts is called. */
	void (*done)(struct prompt_work *w);
	void *arg;
};

/* folder: copied; NULL: none. recordings lives as long. 0 or -ENOMEM. */
int prompt_cache_open(struct prompt_cache *c, const char *folder, const char *recordings) NODISCARD;
void prompt_cache_close(struct prompt_cache *c);
void prompt_cache_work(struct prompt_cache *c, struct prompt_work *w);
void prompt_work_free(struct prompt_work *w); /* NULL is fine */
/* The hash of a tenant's name in that language; NULL: none. */
const char *prompt_cache_find(const struct prompt_cache *c, const char *tenant,
			      const char *language, const char *name);
/* With one reference; NULL: fault says why. */
struct media_sound *prompt_cache_read(const struct prompt_cache *c, const char *hash,
				      uint32_t rate_hz, struct sound_fault *fault);
void prompt_hash_of(struct bytes octets, char out[PROMPT_HASH_TEXT]);
/* 64 hexadecimal digits, small ones. */
bool prompt_hash_is_good(struct bytes text);

#endif
