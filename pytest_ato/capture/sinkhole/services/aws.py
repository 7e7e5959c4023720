"""Amazon's web services, as far as who checks a stolen key asks them: who am I, what is there."""

from __future__ import annotations

from pytest_ato.capture.sinkhole.services.interface import Answer, Request

_ACCOUNT = "482913746205"
_REQUEST_ID = "8f2c1a70-5d4e-4b7a-9e1c-3a6b0d9f7e21"
_NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
_IDENTITY = (
    f"<GetCallerIdentityResponse {_NAMESPACE}>\n"
    "  <GetCallerIdentityResult>\n"
    f"    <Arn>arn:aws:iam::{_ACCOUNT}:user/deploy</Arn>\n"
    "    <UserId>AIDAXAMPLE5USER7DEPL0</UserId>\n"
    f"    <Account>{_ACCOUNT}</Account>\n"
    "  </GetCallerIdentityResult>\n"
    f"  <ResponseMetadata><RequestId>{_REQUEST_ID}</RequestId></ResponseMetadata>\n"
    "</GetCallerIdentityResponse>\n"
)
_MISSING = (
    f"<ErrorResponse {_NAMESPACE}><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>"
    "<Message>Request is missing Authentication Token</Message></Error>"
    f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>\n"
)
_BUCKETS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
    "<Buckets><Bucket><Name>app-production-backups</Name>"
    "<CreationDate>2024-03-01T09:00:00.000Z</CreationDate></Bucket></Buckets>"
    "</ListAllMyBucketsResult>\n"
)


def answer(request: Request) -> Answer | None:
    """Answer the token service and the list of buckets; other services get an empty success."""
    if not request.host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return None
    if not request.authorized and "X-Amz-Signature" not in request.parameters:
        return Answer(_MISSING.encode(), "text/xml", 403)
    service = request.host.split(".", 1)[0]
    if service == "sts" or request.parameters.get("Action") == "GetCallerIdentity":
        return Answer(_IDENTITY.encode(), "text/xml", headers=(("x-amzn-RequestId", _REQUEST_ID),))
    if service == "s3" and request.method == "GET" and request.path == "/":
        return Answer(_BUCKETS.encode(), "application/xml")
    return Answer(b"{}", "application/x-amz-json-1.1")
