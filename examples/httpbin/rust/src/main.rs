// SPDX-License-Identifier: Apache-2.0
//! An HTTP server like httpbin: GET /get, POST /echo, GET /healthz. PORT [default: 3000].
mod query;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::exit;

use hyper::header::{CONTENT_TYPE, HOST};
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Method, Request, Response, StatusCode};
use serde_json::{json, Map, Value};
use tokio::net::{TcpListener, TcpStream};

fn response(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The request's arguments, headers and URL as a JSON document.
fn describe(request: &Request<Body>) -> Response<Body> {
    let args: Map<String, Value> =
        query::pairs(request.uri().query().unwrap_or("")).map(|(k, v)| (k, v.into())).collect();
    let headers: Map<String, Value> =
        request.headers().iter().map(|(k, v)| (k.to_string(), text(v.as_bytes()).into())).collect();
    let host = request.headers().get(HOST).map_or("localhost".into(), |h| text(h.as_bytes()));
    let document = json!({ "args": args, "headers": headers, "url": format!("http://{host}{}", request.uri()) });
    response(StatusCode::OK, "application/json", Body::from(format!("{document:#}\n")))
}

async fn route(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    Ok(match request.uri().path() {
        "/get" if get => describe(&request),
        "/healthz" if get => response(StatusCode::OK, "text/plain", Body::from("ok\n")),
        "/echo" if request.method() == Method::POST => {
            response(StatusCode::OK, "application/octet-stream", request.into_body())
        }
        _ => response(StatusCode::NOT_FOUND, "text/plain", Body::from("not found\n")),
    })
}

async fn serve(stream: TcpStream) {
    // A client that breaks off or talks nonsense ends its own connection only.
    let _ = Http::new().serve_connection(stream, service_fn(route)).await;
}

fn port() -> u16 {
    match std::env::var("PORT").as_deref().map(str::parse) {
        Err(_) => 3000,
        Ok(Ok(port)) if port > 0 => port,
        Ok(_) => {
            eprintln!("PORT is not a port number");
            exit(2)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = port();
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await?;
    println!("listening on port {port}");
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn(serve(stream));
    }
}
