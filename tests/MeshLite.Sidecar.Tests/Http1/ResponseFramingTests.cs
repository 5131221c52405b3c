using MeshLite.Sidecar.Http1;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Where a response's body ends, and whether its connection goes on (RFC 9112 §6.3, §9.3).</summary>
public sealed class ResponseFramingTests
{
    private const long Chunked = Http1ResponseHead.Chunked;
    private const long UntilClose = Http1ResponseHead.UntilClose;

    [Theory]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 5", 5)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0", 0)]
    [InlineData("HTTP/1.1 200 OK", "content-LENGTH \t:\t 007 ", 7)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 9223372036854775807", long.MaxValue)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length:\r\n 5", 5)]
    [InlineData("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", Chunked)]
    [InlineData("HTTP/1.1 200 OK", "transfer-encoding : Chunked", Chunked)]
    [InlineData("HTTP/1.1 200 OK", "Transfer-Encoding:\r\n chunked\r\n ", Chunked)]
    [InlineData("HTTP/1.1 200 OK", "x-a: 1", UntilClose)]
    [InlineData("HTTP/1.1 205 Reset Content", "Content-Length: 5", 5)]
    [InlineData("HTTP/1.1 404 Not Found", "Content-Length: 5", 5)]
    [InlineData("HTTP/1.1 204 No Content", "x-a: 1", 0)]
    [InlineData("HTTP/1.1 204 No Content", "Content-Length: 5", 0)]
    [InlineData("HTTP/1.1 204 No Content", "Transfer-Encoding: chunked", 0)]
    [InlineData("HTTP/1.1 304 Not Modified", "Content-Length: 5", 0)]
    [InlineData("HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked", 0)]
    [InlineData("HTTP/1.0 200 OK", "Content-Length: 5", 5)]
    [InlineData("HTTP/1.0 200 OK", "Transfer-Encoding: chunked", Chunked)]
    [InlineData("HTTP/1.0 200 OK", "Connection: keep-alive", UntilClose)]
    public void BodyLength_IsWhatTheHeadSays(string statusLine, string field, long length) => Heads.Parse($"{statusLine}\r\n{field}\r\n\r\n").BodyLength.ShouldBe(length);

    /// <summary>RFC 9110 §9.1: a method is case-sensitive, and one that is like HEAD is another.</summary>
    [Theory]
    [InlineData("HEAD", 0)]
    [InlineData("head", 5)]
    [InlineData("POST", 5)]
    [InlineData("OPTIONS", 5)]
    public void BodyLength_OfAMethod_IsNothingForHeadAlone(string method, long length) => Heads.Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method).BodyLength.ShouldBe(length);

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("x-a: 1")]
    public void KeepsAlive_AfterHead_WhateverItSays(string field) => Heads.Parse($"HTTP/1.1 200 OK\r\n{field}\r\n\r\n", "HEAD").KeepsAlive.ShouldBe(true);

    [Theory]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 5", true)]
    [InlineData("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", true)]
    [InlineData("HTTP/1.1 200 OK", "x-a: 1", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: close", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nconnection : CLOSE ", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: x-a ,\tClose, x-b", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: keep-alive, close", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: close\r\nConnection: keep-alive", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: x-a,\r\n close", false)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: closed, x-close", true)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nConnection: ,", true)]
    [InlineData("HTTP/1.1 200 OK", "Content-Length: 0\r\nProxy-Connection: close", true)]
    [InlineData("HTTP/1.9 200 OK", "Content-Length: 0", true)]
    [InlineData("HTTP/1.0 200 OK", "Content-Length: 5", false)]
    [InlineData("HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: Keep-Alive", true)]
    [InlineData("HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: x-a, keep-alive", true)]
    [InlineData("HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive, close", false)]
    [InlineData("HTTP/1.0 200 OK", "Connection: keep-alive", false)]
    [InlineData("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\nConnection: keep-alive", false)] // §6.1
    [InlineData("HTTP/1.1 304 Not Modified", "Content-Length: 5", true)]
    [InlineData("HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked", true)]
    [InlineData("HTTP/1.1 204 No Content", "x-a: 1", true)]
    [InlineData("HTTP/1.1 204 No Content", "Content-Length: 0", true)]
    [InlineData("HTTP/1.1 204 No Content", "Content-Length: 5", false)] // RFC 9110 §8.6: it must not say so, and who does may send them
    [InlineData("HTTP/1.1 204 No Content", "Transfer-Encoding: chunked", false)]
    public void KeepsAlive_AsBothSidesKnowWhereItEnds(string statusLine, string fields, bool keepsAlive) => Heads.Parse($"{statusLine}\r\n{fields}\r\n\r\n").KeepsAlive.ShouldBe(keepsAlive);
}
