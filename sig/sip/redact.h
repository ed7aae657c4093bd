/* SPDX-License-Identifier: Apache-2.0 */
/* Masks secrets of a SIP message with 'x' in place: lengths stay, so the copy for display is still
 * a message. It works on octets and not on a parsed message, because unparsable ones are shown,
 * too. Pure. */
#ifndef SIG_SIP_REDACT_H
#define SIG_SIP_REDACT_H

#include "base/bytes.h"

/* Answers to digest challenges, which permit guessing a password, and all other credentials: values
 * of Authorization and Proxy-Authorization, rspauth of Authentication-Info. */
void redact_credentials(uint8_t *message, size_t n);
/* Keys of media: a=crypto (RFC 4568), a=key-mgmt (RFC 4567), k= (RFC 4566 5.12), ICE passwords. */
void redact_keys(uint8_t *message, size_t n);
/* DTMF digits, which may be a PIN: the Signal of application/dtmf-relay anywhere, and the body if
 * the message's type is application/dtmf. */
void redact_digits(uint8_t *message, size_t n);

#endif
