/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of a SIP message, written over with 'x' in place: lengths stay, so a copy for others' eyes is still a message. It works on octets
 * and not on a parsed message, because what nobody could parse is shown, too. Pure.
 */
#ifndef SIG_SIP_REDACT_H
#define SIG_SIP_REDACT_H

#include "base/bytes.h"

/* Answers to digest challenges, with which a password could be guessed, and all other credentials: values of Authorization and
 * Proxy-Authorization, rspauth of Authentication-Info. */
void redact_credentials(uint8_t *message, size_t n);
/* What media is enciphered with: keys of a=crypto (RFC 4568), a=key-mgmt (RFC 4567), k= (RFC 4566 5.12), passwords of ICE. */
void redact_keys(uint8_t *message, size_t n);
/* Digits that somebody pressed, which may be a PIN: the Signal of application/dtmf-relay, wherever it stands, and the body where the
 * message's type is application/dtmf. */
void redact_digits(uint8_t *message, size_t n);

#endif
