use super::client::*;

#[tokio::test]
async fn smoke() {
    let sim = plain().await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":20,"reasoning_effort":"low"}"#;
    println!("{}", chat(&sim, body).await.text());
    println!("{}", messages(&sim, body).await.text());
    let body = body.replace("\"model\"", "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"simulate\":{\"output_tokens\":6,\"reasoning_tokens\":2},\"model\"");
    println!("{}", chat(&sim, &body).await.text());
    let r = messages(&sim, &body).await;
    println!("{:?}\n{}", r.headers, r.text());
    for t in sim.truth() {
        println!("{}", serde_json::to_string(&t).unwrap());
    }
    println!("{:?}", ended(&sim).await);
}
