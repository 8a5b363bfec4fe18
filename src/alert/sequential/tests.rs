//! Of the sequential test.
