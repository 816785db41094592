//! The examples of web servers, each as it is in `systemd/examples` and really running: Apache and nginx, over TCP and
//! over the socket file.

mod answers;
mod group;
pub mod logrotate;
mod redirector;
pub mod service;
mod who_asks;
