//! Errors as a program reads them: `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, on what, and what was expected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A name of the kind of problem that stays the same, such as `invalid-field`.
    pub r#type: &'static str,
    /// The kind in words.
    pub title: &'static str,
    pub status: u16,
    /// What it was this time, in words for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where in the request, as a JSON pointer or the name of a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds until it makes sense to try again; also the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, r#type: &'static str, title: &'static str) -> Problem {
        Problem {
            r#type,
            title,
            status: status.as_u16(),
            detail: None,
            field: None,
            retry_after_s: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// A field of the request that cannot be read: what it is, and what was expected.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-field", "a field cannot be read")
            .field(field)
            .detail(detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing").detail(detail)
    }

    pub fn unauthenticated() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in or send an API key")
    }

    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "your role or key may not do this")
            .detail(detail)
    }

    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", "it is not in the state this needs")
            .detail(detail)
    }

    pub fn method_not_allowed() -> Problem {
        let title = "this path does not answer to this method";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
    }

    pub fn too_large() -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is too long")
    }

    /// Too many of them from one key or address.
    pub fn too_many(retry_after_s: u64) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "too many requests: slow down")
            .retry_after(retry_after_s)
    }

    /// The server has more to do than it can.
    pub fn overloaded() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "the server is overloaded")
            .retry_after(1)
    }

    /// Secrets cannot be kept here.
    pub fn no_vault() -> Problem {
        let title = "this server was started without a key for secrets";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-vault", title)
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// Of a database that failed: the cause goes to the log.
    pub fn database(error: &case::db::DbError) -> Problem {
        crate::frame::log::failure("casework database", error);
        Problem::internal()
    }

    /// Ours; the cause goes to the log and not to the caller.
    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log says why",
        )
    }
}

impl From<case::db::DbError> for Problem {
    fn from(error: case::db::DbError) -> Problem {
        Problem::database(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What a write to the database may end with: what the caller did wrong, or a database that failed.
#[derive(Debug)]
pub enum Fault {
    Problem(Problem),
    Db(case::db::DbError),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Fault {
        Fault::Problem(problem)
    }
}

impl From<case::db::DbError> for Fault {
    fn from(error: case::db::DbError) -> Fault {
        Fault::Db(error)
    }
}

impl From<case::CaseError> for Fault {
    fn from(error: case::CaseError) -> Fault {
        match error {
            case::CaseError::Db(error) => Fault::Db(error),
            other => Fault::Problem(other.into()),
        }
    }
}

impl case::db::MayAgain for Fault {
    fn may_again(&self) -> bool {
        matches!(self, Fault::Db(error) if error.may_again())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        match fault {
            Fault::Problem(problem) => problem,
            Fault::Db(error) => Problem::database(&error),
        }
    }
}
