/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the storing process, from the node: folders, destinations, and pauses between tries.
 * A JSON object of app/feature/recording/deliver.c, with secrets. Values alone.
 */
#ifndef APP_DELIVER_TERMS_H
#define APP_DELIVER_TERMS_H

#include <jansson.h>

#include "app/deliver/job.h"
#include "app/deliver/sidecar.h"

enum {
	TERMS_DESTINATIONS_MAX = 16,
	TERMS_TEXT_MAX = 256,
	TERMS_SECRET_MAX = 512,
	TERMS_RECIPIENTS_MAX = 8,
	TERMS_CERTIFICATES_MAX = 64,
	TERMS_NODE_ID_MAX = 17,
	TERMS_KEY_LEN = 32,
};

enum destination_kind {
	DESTINATION_DIRECTORY, /* shared, as by NFS */
	DESTINATION_S3,
	DESTINATION_HTTP, /* PUT */
	DESTINATION_SFTP,
	DESTINATION_FTP,
	DESTINATION_MAIL,
	DESTINATION_KINDS,
};
extern const char *const g_destination_kinds[]; /* by their number; ends with NULL */

struct destination {
	char name[JOB_NAME_MAX];
	enum destination_kind kind;
	char url[TERMS_TEXT_MAX]; /* DESTINATION_DIRECTORY: an absolute path */
	char user[TERMS_TEXT_MAX], secret[TERMS_SECRET_MAX];
	char key_file[TERMS_TEXT_MAX], known_hosts[TERMS_TEXT_MAX], ca[TERMS_TEXT_MAX];
	char bucket[TERMS_TEXT_MAX], region[TERMS_TEXT_MAX];
	char from[TERMS_TEXT_MAX], to[TERMS_RECIPIENTS_MAX][TERMS_TEXT_MAX];
	uint32_t to_count;
	uint64_t most; /* octets of a file; 0: any */
	/* DESTINATION_S3: a larger file goes in parts of so many octets; 0: none does */
	uint64_t part;
	bool path_style, starttls, metadata;
	char fault[TERMS_TEXT_MAX]; /* why nothing can be stored there now; "": nothing is wrong */
};

struct terms_tenant {
	char name[SIDECAR_TENANT_MAX];
	uint32_t count;
	char deliver[JOB_DELIVERIES_MAX][JOB_NAME_MAX];
	uint32_t keep_days; /* 0: as the others' */
	uint64_t keep_octets;
};

/* Receiver of a tenant's enveloped recordings (app/record/envelope.h). */
struct terms_certificate {
	char tenant[SIDECAR_TENANT_MAX]; /* "": of all tenants without one of their own */
	/* malloc'ed; "": it should exist, and fault says why it does not. */
	char *pem;
	char fault[TERMS_TEXT_MAX];
};

/* Copies of what is not stored yet, on a neighbour (app/deliver/copy.h). */
struct terms_copies {
	bool on;
	uint64_t id, incarnation;   /* of this node */
	uint8_t key[TERMS_KEY_LEN]; /* of the cluster, for copies alone */
	uint64_t octets;            /* those of others may have so many here */
	uint64_t wait_ms;           /* an owner that is not there for so long is gone */
	uint64_t every_ms;          /* what is written since goes there so often */
};

enum terms_opus { TERMS_OPUS_OFF, TERMS_OPUS_KEEP, TERMS_OPUS_REPLACE, TERMS_OPUS_MODES };

struct terms {
	enum terms_opus opus;  /* what becomes of a WAV file */
	uint64_t opus_wait_ms; /* one that waited longer goes as it is */
	char folder[TERMS_TEXT_MAX], node[64];
	char node_id[TERMS_NODE_ID_MAX]; /* "": nothing is told of recordings to other nodes */
	uint64_t list_settle_ms;         /* Redis may lose what it acknowledged so long before */
	uint32_t list_days; /* ... for so many days, or as long as their files; 0: nothing is */
	struct job_terms job;
	uint64_t scan_ms;
	/* parts of a recording wait so long for the last one; 0: they are never joined */
	uint64_t join_wait_ms;
	uint32_t keep_days; /* 0: until they are deleted by command */
	uint64_t free_octets;
	bool delete_delivered;
	bool voicemail; /* what lies in a mailbox goes to destinations, too */
	int log_level, log_format;
	struct terms_copies copies;
	/* Of the cluster: messages are encrypted by it for nodes to play. */
	uint8_t messages_key[TERMS_KEY_LEN];
	uint32_t destination_count, tenant_count, certificate_count;
	struct destination destinations[TERMS_DESTINATIONS_MAX];
	struct terms_tenant usual; /* of other tenants than the following */
	struct terms_tenant *tenants;
	struct terms_certificate certificates[TERMS_CERTIFICATES_MAX];
};

/* 0, -EBADMSG or -ENOMEM; out is as it was then. */
int terms_read(struct terms *out, const json_t *object) NODISCARD;
/* Receiver of the tenant's recordings, or NULL: they stay in the clear. */
const struct terms_certificate *terms_certificate(const struct terms *t, const char *tenant);
/* Key of a mailbox's file TENANT/DATE/FILE (app/record/aes128gcm.h):
 * it opens no other tenant's and no other message. */
void terms_message_key(const struct terms *t, const char *path, uint8_t out[TERMS_KEY_LEN]);
/* Overwrites secrets. */
void terms_close(struct terms *t);
const struct terms_tenant *terms_tenant(const struct terms *t, const char *name); /* never NULL */
/* To how many destinations a recording goes. */
uint32_t terms_stores(const struct terms *t, const char *tenant, bool boxed);
struct destination *terms_destination(struct terms *t, const char *name); /* or NULL */

#endif
