/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON file NAME.json beside a recording's file NAME: it means that NAME is finished. The
 * recorder wrote it; what delivery and storage need of it is read here. Pure.
 */
#ifndef APP_DELIVER_SIDECAR_H
#define APP_DELIVER_SIDECAR_H

#include "base/bytes.h"

enum {
	SIDECAR_MAX = 64 * 1024, /* octets of a file */
	SIDECAR_CALL_LEN = 13,
	SIDECAR_TENANT_MAX = 32,
	SIDECAR_FILE_MAX = 64,
	SIDECAR_PARTY_MAX = 128,
	SIDECAR_TIME_LEN = 24, /* 2026-11-25T00:00:00.000Z */
};

enum sidecar_format { SIDECAR_WAV, SIDECAR_PCAPNG, SIDECAR_OPUS, SIDECAR_FORMATS };
extern const char *const g_sidecar_formats[]; /* by their number */

struct sidecar {
	char call[SIDECAR_CALL_LEN + 1];
	uint32_t number,
		segment; /* of the call's recordings, and of the recording's files; both from 1 */
	bool last, interrupted;
	bool sealed; /* what is in it is encrypted: */
	/* For nodes (app/record/aes128gcm.h), else enveloped (app/record/envelope.h). */
	bool aes128gcm;
	bool mailbox; /* it lies in one */
	bool message; /* what a caller said to an application or a flow */
	enum sidecar_format format;
	uint32_t rate, channels;
	uint64_t duration_ms, octets;
	char tenant[SIDECAR_TENANT_MAX];
	char file[SIDECAR_FILE_MAX];      /* its name, without a folder */
	char begun[SIDECAR_TIME_LEN + 1]; /* begins with a date */
	char from[SIDECAR_PARTY_MAX], to[SIDECAR_PARTY_MAX];
};

/* 0, -EBADMSG (out is as it was) or -ENOMEM. */
int sidecar_parse(struct sidecar *out, struct bytes json) NODISCARD;
/* A name that a file or folder may have: letters, digits, '.', '_', '-', and no '.' first. */
bool sidecar_name_fits(struct bytes name, size_t most);

#endif
