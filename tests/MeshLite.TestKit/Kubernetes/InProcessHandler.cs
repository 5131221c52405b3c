using System.Net;
using Microsoft.AspNetCore.Http;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// Brings a client's requests to the server without a network, threads or time of its own: what needs no waiting is answered before the call returns. For tests
/// that drive a clock by hand. Not for watches.
/// </summary>
internal sealed class InProcessHandler(ApiPipeline pipeline) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var http = new DefaultHttpContext();
        var answer = new MemoryStream();
        http.Items[ApiPipeline.CertificateUser] = true;
        http.Request.Method = request.Method.Method;
        http.Request.Path = request.RequestUri!.AbsolutePath;
        http.Request.QueryString = new QueryString(request.RequestUri.Query);
        http.Response.Body = answer;
        if (request.Content is not null)
        {
            http.Request.ContentType = request.Content.Headers.ContentType?.ToString();
            http.Request.Body = await request.Content.ReadAsStreamAsync(cancellationToken);
        }

        await pipeline.HandleAsync(http);
        return new HttpResponseMessage((HttpStatusCode)http.Response.StatusCode) { Content = new ByteArrayContent(answer.ToArray()) };
    }
}
