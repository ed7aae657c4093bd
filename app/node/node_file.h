/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the node's settings name: secrets and certificates of recordings. */
#ifndef APP_NODE_NODE_FILE_H
#define APP_NODE_NODE_FILE_H

#include "app/record/envelope.h"

/* First line of a file that only its owner can read.
 * Returns the error; NULL: it was read, or is not wanted. */
enum { NODE_SECRET_MAX = 512 };
const char *node_secret_read(const char *path, char out[NODE_SECRET_MAX]);
/* Reads a file of certificates. False: reason says why it cannot be used. */
bool node_certificate_read(const char *path, char pem[ENVELOPE_PEM_MAX],
			   char reason[ENVELOPE_REASON_MAX], uint64_t *expires_utc_s);

#endif
