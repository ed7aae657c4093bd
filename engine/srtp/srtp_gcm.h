/* SPDX-License-Identifier: Apache-2.0 */
/* The part of srtp_cipher.h that is AES-GCM (RFC 7714): units whose ciphers are of such a suite. */
#ifndef ENGINE_SRTP_SRTP_GCM_H
#define ENGINE_SRTP_SRTP_GCM_H

#include "engine/srtp/srtp_cipher.h"

/* As srtp_units_seal. */
void srtp_gcm_seal(struct srtp_unit *const *list, uint32_t count);
/* As srtp_units_check; one that is authentic is decrypted at once. */
void srtp_gcm_check(struct srtp_unit *const *list, uint32_t count);
/* As srtp_unit_undo. */
void srtp_gcm_undo(const struct srtp_unit *u);

#endif
