/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of tandemctl backup and restore: a node's data in one tar archive (ustar). backup.json
 * names the node, documents.jsonl has the documents with sealed secrets, messages.jsonl the
 * messages of mailboxes, rows/NOUN/ what the command NOUN.backup answers, a member for each page;
 * then come sounds of prompts and files of recordings. SHA256SUMS is the last member: a file
 * without it was cut off.
 */
#ifndef APP_CTL_CTL_BACKUP_H
#define APP_CTL_CTL_BACKUP_H

#include <jansson.h>
#include <openssl/evp.h>

#include "app/ctl/ctl.h"

enum {
	BACKUP_FORMAT = 1,
	BACKUP_TEXT_MAX = 256 << 20, /* of a member that is kept in memory */
	BACKUP_PATH_MAX = 1024,
	SHA_TEXT = 64,
	LISTED_WAIT_S = 60, /* tandem-store looks through the folder each recordings.scan */
};

#define ABOUT      "backup.json"
#define DOCUMENTS  "documents.jsonl"
#define MESSAGES   "messages.jsonl"
#define PROMPTS    "prompts/"
#define RECORDINGS "recordings/"
#define ROWS       "rows/"
#define SUMS       "SHA256SUMS"

/* The answer's result as a new reference. NULL: complained, with what it was about. args are
 * stolen. */
json_t *backup_request(const struct ctl_target *target, const char *command, json_t *args,
		       const char *about);
/* All documents of the node, and in *about what it says of itself. NULL: complained. */
json_t *backup_documents(const struct ctl_target *target, json_t **about);
/* Finishes the digest and writes it as hexadecimal text. */
void backup_hash_text(EVP_MD_CTX *hash, char out[SHA_TEXT + 1]);
/* Puts back what a file has; nothing, before all of it was read and compared. An exit status. */
int ctl_restore(const struct ctl_target *target, const char *path, bool dry_run, bool force);

#endif
